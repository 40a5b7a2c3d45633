-- The directory that knows an application, at Azure; empty when it was not said.
ALTER TABLE connector ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
