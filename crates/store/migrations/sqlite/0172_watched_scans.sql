-- What people watch: scans of single images too, when somebody asked for them; and files.
DROP INDEX job_watched;
CREATE INDEX job_watched ON job (project, no) WHERE kind IN (1, 2, 4, 6) OR (kind = 0 AND direct = 1);
CREATE INDEX job_export ON job (project, no) WHERE kind = 3;
