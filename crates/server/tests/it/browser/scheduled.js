// A registry and a schedule are made, and the run is watched until its images are there.
"use strict";

const { run, open, signIn } = require("./session.js");

run(async (world) => {
  const { password, more: [registry], tell } = world;
  const page = await open(world);
  await signIn(page, "admin", password, "/sources/registries/new");
  await page.getByLabel("Name", { exact: true }).fill("team");
  await page.getByLabel("Address").fill(registry);
  await page.getByText("How it is reached").click();
  await page.getByLabel("may be spoken to without TLS").check();
  await page.getByLabel("Repositories", { exact: true }).fill("team/*");
  await page.getByRole("button", { name: "Test the connection" }).click();
  await page.getByText("The registry answers").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "Make a schedule" }).click();
  await page.getByLabel("once, now").check();
  await page.getByLabel("Repositories", { exact: true }).fill("team/debian");
  await page.getByRole("button", { name: "Save" }).click();
  // No key is pressed and nothing is loaded from here on: the page follows the run by itself.
  const ran = page.locator("#runs tr[data-row] [data-open]").first();
  await ran.waitFor();
  tell(`watched on: ${new URL(page.url()).pathname.replace(/[0-9a-f-]{36}/g, "…")}`);
  await ran.click();
  await page.locator("#run:not([data-poll])").waitFor({ timeout: 120000 });
  tell(`ended: ${(await page.locator("#run .verdict").innerText()).trim()}`);
  await page.goto("/assets");
  tell(`repositories: ${(await page.locator("tr[data-row] [data-open]").allTextContents()).join(" ")}`);
});
