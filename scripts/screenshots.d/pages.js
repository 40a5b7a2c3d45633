// Pictures of the pages of a running server: pages.js ADDRESS PASSWORD FOLDER
"use strict";

const { chromium } = require("playwright-core");
const fs = require("node:fs");
const path = require("node:path");

const [url, password, folder] = process.argv.slice(2);
const desk = { width: 1280, height: 580 };
const phone = { width: 390, height: 844 };

/** A page of somebody who has signed in. */
async function signedIn(browser, viewport, colorScheme) {
  const context = await browser.newContext({ baseURL: url, locale: "en-GB", viewport, colorScheme });
  const page = await context.newPage();
  await page.goto("/sign-in");
  await page.getByLabel("Name").fill("admin");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((address) => address.pathname !== "/sign-in");
  return page;
}

/** Asks the native API; an answer that is no success ends the run. */
async function post(route, body) {
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString("base64")}`;
  const headers = { authorization, "content-type": "application/json" };
  const answer = await fetch(url + route, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** Looks at an address until all its parts are there. */
async function look(page, address) {
  const answer = await page.goto(address);
  if (!answer.ok()) throw new Error(`${address}: ${answer.status()}`);
  await whole(page);
}

/** Waits until no part of the page is still being fetched. */
async function whole(page) {
  await page.waitForFunction(() => !document.querySelector("[data-load], [aria-busy]"));
  await page.waitForLoadState("networkidle");
}

async function shoot(page, name) {
  const file = path.join(folder, `${name}.png`);
  await page.screenshot({ path: file });
  console.log(`${name}.png  ${(fs.statSync(file).size / 1000).toFixed(0)} KB`);
}

/** The address of the first link that matches. */
const first = (page, selector) => page.locator(selector).first().getAttribute("href");

(async () => {
  const day = (days) => new Date(Date.now() + days * 86400000).toISOString();
  for (const [title, where, days] of [
    ["Build tools are not reachable", "package = tar and kind = image", 10],
    ["Hosts are patched in the next window", "kind = host and severity <= medium and fixable", 30],
  ]) await post("/api/v1/exceptions", { title, where, reason: "risk_accepted", end: day(days) });
  await post("/api/v1/registries", {
    name: "team", endpoint: "registry.example:5000", repositories: { include: ["team/*"] },
  });

  const browser = await chromium.launch({
    executablePath: process.env.PARAPET_BROWSER,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  try {
    const page = await signedIn(browser, desk, "light");
    await look(page, "/findings?where=severity >= high and fixable");
    await shoot(page, "findings");
    const vulnerability = await first(page, "main a[href^='/vulnerabilities/']");
    await look(page, vulnerability);
    await shoot(page, "vulnerability");
    await look(page, "/findings?group=asset&where=kind = image");
    await look(page, await first(page, "main a[href^='/assets/']"));
    await shoot(page, "asset");
    await look(page, "/sources");
    await shoot(page, "sources");
    await look(page, "/feeds");
    await shoot(page, "feeds");
    await look(page, "/");
    await shoot(page, "start");

    await look(page, "/exceptions/new?where=severity <= low and kind = image");
    await page.getByLabel("Title").fill("Low risks of images wait for the next base");
    await page.getByLabel("Reason").fill("risk_accepted");
    await page.getByLabel("Reason").blur();
    await whole(page);
    await page.getByRole("button", { name: "Save and put in force" }).evaluate((end) => end.scrollIntoView({ block: "end" }));
    await shoot(page, "exception");

    const dark = await signedIn(browser, desk, "dark");
    await look(dark, "/findings?group=asset");
    await shoot(dark, "findings-dark");
    const small = await signedIn(browser, phone, "light");
    await look(small, vulnerability);
    await shoot(small, "vulnerability-phone");
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
