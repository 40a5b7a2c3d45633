// The pages that are named, and with `follow` before them every kind of page that links lead to, in light and dark and
// on a phone: axe finds nothing, nothing is cut off. PARAPET_ACCESSIBILITY_REPORT names a file for a table of what was looked at.
"use strict";

const fs = require("node:fs");
const { run, open, signIn, check, tooWide } = require("./session.js");

const desk = { width: 1280, height: 900 };
const ways = [
  ["light", { colorScheme: "light", viewport: desk }],
  ["dark", { colorScheme: "dark", viewport: desk }],
  ["phone", { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
];
// Parameters of which each value is another kind of page; of the others only that they are there.
const telling = ["show", "group", "view", "kind", "by", "state", "part"];

/** What kind of page an address is of: ids, names and what is asked are left out. */
function kind(address) {
  const { pathname, searchParams } = new URL(address, "http://localhost");
  const parts = pathname.split("/").map((part) => (/^[a-z-]{0,24}$/.test(part) ? part : "ID"));
  const names = [...searchParams].map(([name, value]) => (telling.includes(name) ? `${name}=${value}` : name));
  return names.length === 0 ? parts.join("/") : `${parts.join("/")}?${[...new Set(names)].sort().join("&")}`;
}

run(async (world) => {
  const { password, tell } = world;
  const [how, ...more] = world.more;
  const pages = new Map(more.map((path) => [path, []]));
  const kinds = new Set(more.map(kind));
  for (const [way, options] of ways) {
    const page = await open(world, options);
    const look = async (path) => {
      // Until the parts that come later are there.
      await page.waitForFunction(() => !document.querySelector("[data-load], [aria-busy]"));
      const { passes, found } = await check(page);
      for (const problem of found) tell(`${way} ${path} ${problem}`);
      if (await tooWide(page)) tell(`${way} ${path} is wider than the window`);
      return [passes, found.length];
    };
    await page.goto("/sign-in");
    await look("/sign-in");
    await signIn(page, "admin", password);
    // What is added on the way is looked at too.
    for (const [path, seen] of pages) {
      const answer = await page.goto(path);
      if (answer.status() !== 200) tell(`${way} ${path} is ${answer.status()}`);
      seen.push(await look(path));
      if (how !== "follow") continue;
      const links = page.locator("a[href^='/']:not([download]):not([href$='/file'])");
      for (const link of await links.evaluateAll((all) => all.map((one) => one.getAttribute("href").split("#")[0]))) {
        if (kinds.has(kind(link))) continue;
        kinds.add(kind(link));
        if (way === ways[0][0]) pages.set(link, []);
      }
    }
    await page.context().close();
  }
  tell(`looked at ${pages.size} pages`);
  if (process.env.PARAPET_ACCESSIBILITY_REPORT) report([...pages]);
});

function report(pages) {
  const cell = ([passes, found]) => `${passes} passed, ${found === 0 ? "none" : `**${found}**`} broken`;
  const lines = pages.map(([path, seen]) => `| \`${kind(path).replaceAll("|", "\\|")}\` | ${seen.map(cell).join(" | ")} |`);
  const head = [`| page | ${ways.map(([way]) => way).join(" | ")} |`, `|---|${ways.map(() => "---|").join("")}`];
  fs.writeFileSync(process.env.PARAPET_ACCESSIBILITY_REPORT, `${[...head, ...lines.sort()].join("\n")}\n`);
}
