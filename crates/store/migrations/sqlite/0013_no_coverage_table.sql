-- What judges which ecosystem is computed when posture is built, from feeds and packages.

DROP TABLE ecosystem_coverage;
