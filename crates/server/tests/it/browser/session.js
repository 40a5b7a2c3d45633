// A real browser that looks at a running server: what every story uses.
"use strict";

const { chromium } = require("playwright-core");
const fs = require("node:fs");

const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
// WCAG 2.2 AA, and what axe calls good practice.
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Runs a story: `tell` prints a line of what happened, which the test compares. */
async function run(story) {
  const [url, password, ...more] = process.argv.slice(2);
  // Chromium's own sandbox needs rights that a container does not give.
  const browser = await chromium.launch({
    executablePath: process.env.PARAPET_BROWSER,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  try {
    await story({ browser, url, password, more, tell: (line) => console.log(line) });
  } catch (error) {
    console.log(`failed: ${error.stack}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

/** A page of a new context; errors of scripts and of the content security policy are told. */
async function open({ browser, url, tell }, options = {}) {
  const context = await browser.newContext({ baseURL: url, locale: "en-GB", ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => tell(`script error: ${error.message}`));
  page.on("console", (message) => {
    // A refusal by status is told by the story that provokes it.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) tell(`console: ${message.text()}`);
  });
  return page;
}

/** Signs in by the form and waits for the page behind it. */
async function signIn(page, name, password, to = "/findings") {
  await page.goto(to);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((address) => address.pathname !== "/sign-in");
}

/** What axe says of the page as it stands: how many rules pass, and a line for each that is broken. */
async function check(page) {
  await page.evaluate(axe);
  const { passes, violations } = await page.evaluate((tags) => axe.run(document, { runOnly: tags }), rules);
  const found = violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
  return { passes: passes.length, found };
}

/** Whether the page is wider than its window. */
async function tooWide(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1);
}

module.exports = { run, open, signIn, check, tooWide };
