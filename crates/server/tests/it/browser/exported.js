// From a question to a file on disk, whose rows are compared with the page's total.
"use strict";

const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { run, open, signIn } = require("./session.js");

run(async (world) => {
  const { password, tell } = world;
  const page = await open(world, { acceptDownloads: true });
  await signIn(page, "admin", password);
  const total = (await page.locator(".totals div").first().locator("dd").textContent()).trim();
  tell(`findings on the page: ${total}`);
  await page.getByRole("link", { name: "Export all" }).click();
  await page.getByText("The file will have").waitFor();
  tell((await page.locator("main").getByText("The file will have").textContent()).trim());
  await page.getByRole("button", { name: "Export", exact: true }).click();
  await page.waitForURL("**/exports**");
  const file = page.locator("tr[data-row] a[download]").first();
  await file.waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), file.click()]);
  const bytes = fs.readFileSync(await download.path());
  const rows = bytes.toString("utf8").trim().split("\n").length - 1;
  tell(`rows in the file: ${rows}`);
  await page.getByText("SHA-256").first().click();
  const shown = (await page.locator("details code").first().textContent()).trim();
  tell(`checksum: ${shown === createHash("sha256").update(bytes).digest("hex")}`);
});
