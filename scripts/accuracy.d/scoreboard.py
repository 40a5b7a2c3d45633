"""Runs every oracle on every image and prints the scoreboard. See scripts/accuracy."""

import argparse
import collections
import fnmatch
import os
import pathlib
import shutil
import sys
import tempfile

import causes
import image as images
import oracles
from parapet import Parapet


def main():
    options = argparse.ArgumentParser(prog="scripts/accuracy")
    options.add_argument("--binary", required=True)
    options.add_argument("--home", type=pathlib.Path, required=True)
    options.add_argument("--images", type=pathlib.Path, default=os.environ.get("PARAPET_ACCURACY_IMAGES"))
    options.add_argument("--feeds", type=pathlib.Path, default=os.environ.get("PARAPET_ACCURACY_FEEDS"))
    options.add_argument("--only", default="*", help="a pattern of image names")
    options.add_argument("--output", type=pathlib.Path, help="write the table as Markdown, too")
    chosen = options.parse_args()
    if not chosen.images or not chosen.feeds:
        options.error("name the images and the feeds: --images DIR --feeds DIR")
    layouts = sorted(path.parent for path in pathlib.Path(chosen.images).glob("*/index.json"))
    parapet = Parapet(chosen.binary, pathlib.Path(chosen.feeds))
    board = Board()
    work = pathlib.Path(tempfile.mkdtemp(prefix="accuracy-", dir=chosen.home))
    try:
        for layout in layouts:
            for target, descriptor in images.targets(layout).items():
                name = target.removeprefix(f"oci:{layout.parent}/")
                if fnmatch.fnmatch(name, chosen.only):
                    root = images.unpack(layout, descriptor, work / "image" / "root")
                    board.judge(oracles.Image(name, target, root, root.parent, chosen.home / "venv/bin"), parapet)
                    shutil.rmtree(root.parent)
    finally:
        shutil.rmtree(work)
    if chosen.output:
        chosen.output.write_text(board.markdown())
    return board.verdict()


class Board:
    """The rows, and whether all of them are explained."""

    def __init__(self):
        self.rows, self.unexplained, self.failed = [], 0, 0

    def judge(self, image, parapet):
        for oracle in oracles.ORACLES:
            name = oracle.__name__.replace("_", "-")
            try:
                comparison = oracle(image, parapet)
            except (RuntimeError, OSError, ValueError, KeyError) as error:
                self.failed += 1
                print(f"{image.name:<22} {name:<20} FAILED: {type(error).__name__}: {error}", flush=True)
                continue
            if comparison is not None:
                self.compare(image, name, comparison)

    def compare(self, image, name, comparison):
        agreed = comparison.ours & comparison.theirs
        sides = {"ours": comparison.ours - agreed, "theirs": comparison.theirs - agreed}
        reasons, unexplained = collections.Counter(), []
        for side, items in sides.items():
            for item in sorted(items, key=str):
                why = causes.cause(comparison, image, side, item)
                if why:
                    reasons[side, why] += 1
                else:
                    unexplained.append((side, item))
        self.unexplained += len(unexplained)
        row = (image.name, name, len(agreed), len(sides["ours"]), len(sides["theirs"]), reasons, len(unexplained))
        self.rows.append(row)
        print(f"{image.name:<22} {name:<20} agreed {len(agreed):>5}   only we {len(sides['ours']):>4}   only they {len(sides['theirs']):>4}", flush=True)
        for (side, why), count in sorted(reasons.items()):
            print(f"    {count} only {'we' if side == 'ours' else 'they'}: {why}")
        for side, item in unexplained[:20]:
            print(f"    UNEXPLAINED, only {'we' if side == 'ours' else 'they'}: {item} {comparison.context.get(item, '')}")
        if len(unexplained) > 20:
            print(f"    UNEXPLAINED: {len(unexplained) - 20} more")

    def markdown(self):
        lines = ["| image | oracle | agreed | only Parapet | only the oracle | causes |", "|---|---|---|---|---|---|"]
        for name, oracle, agreed, ours, theirs, reasons, unexplained in self.rows:
            why = [f"{count}: {reason}" for (_, reason), count in sorted(reasons.items())]
            if unexplained:
                why.append(f"**{unexplained} unexplained**")
            lines.append(f"| {name} | {oracle} | {agreed} | {ours} | {theirs} | {'; '.join(why)} |")
        return "\n".join(lines) + "\n"

    def verdict(self):
        print(f"{len(self.rows)} comparisons, {self.unexplained} differences without a cause, {self.failed} oracles failed")
        return 0 if self.rows and not self.unexplained and not self.failed else 1


if __name__ == "__main__":
    sys.exit(main())
