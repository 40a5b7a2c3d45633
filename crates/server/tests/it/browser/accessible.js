// Every page that is named, in light and dark and on a phone: axe finds nothing, nothing is cut off.
"use strict";

const { run, open, signIn, problems, tooWide } = require("./session.js");

run(async (world) => {
  const { password, more: paths, tell } = world;
  const ways = [
    ["light", { colorScheme: "light", viewport: { width: 1280, height: 900 } }],
    ["dark", { colorScheme: "dark", viewport: { width: 1280, height: 900 } }],
    ["phone", { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
  ];
  let looked = 0;
  for (const [name, options] of ways) {
    const page = await open(world, options);
    await page.goto("/sign-in");
    for (const problem of await problems(page)) tell(`${name} /sign-in ${problem}`);
    await signIn(page, "admin", password);
    for (const path of paths) {
      const answer = await page.goto(path);
      if (answer.status() !== 200) tell(`${name} ${path} is ${answer.status()}`);
      await page.waitForLoadState("networkidle");
      for (const problem of await problems(page)) tell(`${name} ${path} ${problem}`);
      if (await tooWide(page)) tell(`${name} ${path} is wider than the window`);
      looked += 1;
    }
    await page.context().close();
  }
  tell(`looked at ${looked} pages`);
});
