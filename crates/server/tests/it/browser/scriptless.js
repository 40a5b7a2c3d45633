// The same questions where no script runs.
"use strict";

const { run, open, signIn } = require("./session.js");

run(async (world) => {
  const { password, tell } = world;
  const page = await open(world, { javaScriptEnabled: false });
  await signIn(page, "admin", password);
  await page.getByLabel("Question to the findings").fill("fixable");
  await page.getByRole("button", { name: "Ask" }).click();
  tell(`address: ${new URL(page.url()).search}`);
  await page.getByRole("link", { name: "asset", exact: true }).click();
  tell(`assets: ${(await page.locator("tr[data-row] [data-open]").allTextContents()).join(" ")}`);
  await page.getByLabel("Question to the findings").fill("fixable and awful");
  await page.getByRole("button", { name: "Ask" }).click();
  tell(`mistake: ${(await page.getByRole("alert").locator("pre").textContent()).split("\n")[1].trim().slice(0, 18)}`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto("/findings");
  tell(`signed out: ${new URL(page.url()).pathname}`);
});
