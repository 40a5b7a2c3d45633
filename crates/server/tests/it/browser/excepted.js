// One person asks for an exception after a look at its effect, another approves it on a phone, and the finding
// is hidden.
"use strict";

const { run, open, signIn } = require("./session.js");

run(async (world) => {
  const { password, more: [asker], tell } = world;
  const page = await open(world);
  await signIn(page, asker, password, "/findings?where=fixable");
  await page.getByRole("link", { name: "CVE-2026-0001", exact: true }).first().waitFor();
  await page.goto("/exceptions/new?where=vulnerability+%3D+%22CVE-2026-0001%22");
  await page.getByLabel("Title").fill("Glass is behind a wall");
  await page.getByLabel("Reason").fill("mitigated");
  await page.getByLabel("Justification").fill("Nothing reaches it.");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.locator("#effect").getByText("finding").first().waitFor();
  tell(`preview: ${(await page.locator("#effect").innerText()).match(/\d+ findings?/)[0]}`);
  await page.getByRole("button", { name: "Ask for it" }).click();
  await page.waitForURL(/\/exceptions\/[0-9a-f-]{36}/);
  const address = new URL(page.url()).pathname;
  tell(`asker may approve: ${await page.getByRole("button", { name: "Approve" }).isVisible()}`);
  const shown = async (who) => {
    await who.goto("/findings?where=not+excepted");
    return (await who.locator("tr[data-row] [data-open]").allTextContents()).join(" ");
  };
  tell(`before: ${await shown(page)}`);

  const phone = await open(world, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  await signIn(phone, "admin", password, "/");
  await phone.getByRole("link", { name: "1", exact: true }).first().waitFor();
  await phone.goto("/exceptions?state=waiting");
  await phone.getByRole("link", { name: "Glass is behind a wall" }).first().tap();
  await phone.waitForURL(`**${address}`);
  await phone.getByLabel("Note").first().fill("Agreed.");
  await phone.getByRole("button", { name: "Approve" }).tap();
  await phone.getByText("It is in force").waitFor();
  tell(`after: ${await shown(page)}`);
  await page.goto(address);
  tell(`history: ${(await page.locator("ol.history strong").allTextContents()).join(" ")}`);
});
