// First paint of pages in Chromium on loopback: first_paint.js ADDRESS USER PASSWORD PAGE…
"use strict";

const { chromium } = require("playwright-core");

(async () => {
  const [url, user, password, ...pages] = process.argv.slice(2);
  const browser = await chromium.launch({ executablePath: process.env.PARAPET_BROWSER, args: ["--no-sandbox", "--disable-gpu"] });
  const page = await (await browser.newContext({ baseURL: url })).newPage();
  await page.goto("/sign-in");
  await page.getByLabel("Name").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((address) => address.pathname !== "/sign-in");
  console.log("first paint in Chromium, median of 5 (ms)");
  for (const path of pages) {
    const times = [];
    for (let run = 0; run < 5; run += 1) {
      await page.goto(path);
      await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
      times.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
    }
    times.sort((a, b) => a - b);
    console.log(`  ${path.slice(0, 74).padEnd(74)} ${times[2].toFixed(0).padStart(6)}${times[2] > 200 ? "  over" : ""}`);
  }
  await browser.close();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
