// From signing in to an exception of two rows, without a mouse.
"use strict";

const { run, open } = require("./session.js");

run(async (world) => {
  const { password, tell } = world;
  const page = await open(world);
  await page.goto("/findings");
  tell(`asked to sign in: ${new URL(page.url()).pathname}`);
  // A browser moves there after it has painted the page.
  await page.waitForFunction(() => document.activeElement.id === "name");
  await page.keyboard.type("admin");
  await page.keyboard.press("Tab");
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/findings");
  await page.keyboard.press("/");
  await page.keyboard.type("package = g");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("fixa");
  const options = page.getByRole("option");
  await options.first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  tell(`completed: ${await page.locator("#question").inputValue()}`);
  // What may follow is offered at once; who wants none of it closes the list.
  await options.first().waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/findings?where=fixable");
  tell(`found: ${(await page.locator("tr[data-row] [data-open]").allTextContents()).join(" ")}`);
  await page.goto("/findings");
  for (const key of ["j", "x", "j", "x"]) await page.keyboard.press(key);
  tell(`selected: ${await page.locator("tr.chosen").count()}`);
  await page.keyboard.press("?");
  tell(`help: ${await page.getByRole("dialog").isVisible()}`);
  await page.keyboard.press("Escape");
  await page.keyboard.press("e");
  await page.waitForURL("**/exceptions/new**");
  tell(`except: ${new URL(page.url()).searchParams.get("where")}`);
  await page.goBack();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/vulnerabilities/**");
  tell(`opened: ${new URL(page.url()).pathname}`);
});
