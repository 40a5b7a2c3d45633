"""Who is asked in scripts/bench.d/posture: a server of Parapet, and three databases with the same facts as
tables, with indexes on what the questions ask for. A finding is their join there too."""
import base64, csv, json, os, re, shutil, sqlite3, subprocess, threading, time
import urllib.error, urllib.parse, urllib.request

import duckdb, psycopg

TICKS = os.sysconf("SC_CLK_TCK")
PASSWORD = "a password for measuring"
COLUMNS = ["kind", "asset_id", "asset", "repository", "distro", "vulnerability", "severity", "cvss", "kev", "package", "version",
           "arch", "ecosystem", "source", "state", "fixable", "fixed_version", "class", "title"]


def core_of(process):
    """Seconds that a process was on processors, and children of it that ended."""
    with open(f"/proc/{process}/stat") as stat:
        own, own_kernel, ended, ended_kernel = map(int, stat.read().rpartition(")")[2].split()[11:15])
    return (own + own_kernel) / TICKS, (ended + ended_kernel) / TICKS


class Parapet:
    """A server on the estate, asked over HTTP."""

    name = "Parapet"

    def __init__(self, binary, estate):
        start = time.monotonic()
        self.process = subprocess.Popen([binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", estate],
                                        stderr=subprocess.PIPE, text=True)
        self.artifacts = os.path.join(estate, "artifacts")
        self.url = next(m.group(1) for line in self.process.stderr if (m := re.match(r"listening on (\S+)", line)))
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.basic = "Basic " + base64.b64encode(f"bench:{PASSWORD}".encode()).decode()
        while True:
            try:
                urllib.request.urlopen(self.url + "/readyz")
                break
            except urllib.error.HTTPError:
                time.sleep(0.005)
        self.started = time.monotonic() - start
        form = urllib.parse.urlencode({"username": "bench", "password": PASSWORD, "token": "true"})
        self.bearer = "Bearer " + urllib.request.urlopen(self.url + "/auth", form.encode()).read().decode().strip()

    def ask(self, path, body=None):
        headers = {"Authorization": self.bearer if path.startswith("/csapi") else self.basic, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        answer = urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers)).read()
        return json.loads(answer) if answer else None

    def list(self, path, where):
        return self.ask(f"{path}?limit=1&where={urllib.parse.quote(where)}")["total"]

    def count(self, where="", as_of=None):
        past = f"&as_of={as_of}" if as_of else ""
        return self.ask(f"/api/v1/findings/counts?where={urllib.parse.quote(where)}{past}")["findings"]

    def export(self, where, form="csv"):
        """An export as a job, until its file is complete, hashed and on disk. Returns its path for `fetch`."""
        job = self.ask("/api/v1/exports", {"where": where, "format": form, "columns": COLUMNS})
        began = time.monotonic()
        while True:
            state = self.ask("/api/v1/exports/" + job["id"])
            if state["state"] == "succeeded":
                return f"/api/v1/exports/{job['id']}/file"
            if state["state"] in ("failed", "cancelled"):
                raise SystemExit(f"posture: {state}")
            # Asked a twentieth too late at most, and not so often that the asking is what takes the time.
            time.sleep(min(0.02, max(0.002, (time.monotonic() - began) / 20)))

    def fetch(self, path, to):
        request = urllib.request.Request(self.url + path, headers={"Authorization": self.basic})
        with urllib.request.urlopen(request) as answer, open(to, "wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)

    def forget_exports(self):
        """Removes the files of exports that are over, as the server does after some days."""
        for file in os.scandir(self.artifacts):
            if file.is_file():
                os.remove(file.path)

    def memory(self, field="VmRSS"):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(field + r":\s+(\d+)", status.read()).group(1)) // 1024

    def core(self):
        """Seconds that all threads of the server were on processors, which other work on the machine does not lengthen much."""
        return core_of(self.process.pid)[0]

    def forget_peak(self):
        """Lets the peak begin anew, so that it is that of the next question alone."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as file:
            file.write("5")

    def stop(self):
        self.process.terminate()
        self.process.wait()


TABLES = {
    "asset": "no INTEGER PRIMARY KEY, kind TEXT, asset_id TEXT, asset TEXT, repository TEXT, distro TEXT",
    "package": "no INTEGER PRIMARY KEY, package TEXT, version TEXT, arch TEXT, ecosystem TEXT, source TEXT",
    "vulnerability": "no INTEGER PRIMARY KEY, vulnerability TEXT, cvss TEXT, kev TEXT, title TEXT",
    # Since when it was recorded, in milliseconds; what ended is moved to the other, for questions about the past.
    "presence": "asset INTEGER, package INTEGER, since BIGINT, PRIMARY KEY (asset, package)",
    "past": "asset INTEGER, package INTEGER, since BIGINT, until BIGINT",
    "match": "package INTEGER, vulnerability INTEGER, severity TEXT, state TEXT, fixable TEXT, fixed_version TEXT, "
             "class TEXT, PRIMARY KEY (package, vulnerability)",
    "exception": "no INTEGER PRIMARY KEY, kind TEXT, vulnerability TEXT",
}
INDEXES = ["presence (package)", "match (vulnerability)", "match (severity)", "vulnerability (vulnerability)",
           "asset (asset_id)", "asset (kind)", "asset (repository)", "package (package)", "vulnerability (kev)"]
JOIN = ("FROM asset a JOIN presence p ON p.asset = a.no JOIN match m ON m.package = p.package "
        "JOIN package k ON k.no = p.package JOIN vulnerability v ON v.no = m.vulnerability")
OF = {"kind": "a", "asset_id": "a", "asset": "a", "repository": "a", "distro": "a", "vulnerability": "v", "cvss": "v", "kev": "v", "title": "v",
      "package": "k", "version": "k", "arch": "k", "ecosystem": "k", "source": "k"}
ROWS = "SELECT " + ", ".join(f"{OF.get(column, 'm')}.{column}" for column in COLUMNS)


def rows_where(condition):
    return f"{ROWS} {JOIN}" + (f" WHERE {condition}" if condition else "")


class Tables:
    """What the three have in common: a text per cell, as the CSV has it."""

    def core(self):
        """As of Parapet: of this process, in which DuckDB and SQLite are."""
        return time.process_time()

    def run(self, sql):
        self.connection.execute(sql)

    def scalar(self, sql):
        return self.connection.execute(sql).fetchone()[0]

    def write(self, statements):
        """Several statements as one transaction."""
        self.run("BEGIN")
        for sql in statements:
            self.run(sql)
        self.run("COMMIT")

    def insert(self, table, rows):
        text = lambda row: "(" + ", ".join(str(cell) if isinstance(cell, int) else "'" + cell.replace("'", "''") + "'" for cell in row) + ")"
        for first in range(0, len(rows), 500):
            self.run(f"INSERT INTO {table} VALUES " + ", ".join(map(text, rows[first:first + 500])))

    def verdicts(self, table, rows):
        """A table like that of matches with these rows."""
        self.run(f"DROP TABLE IF EXISTS {table}")
        self.run(f"CREATE TABLE {table} ({TABLES['match'].split(', PRIMARY KEY')[0]})")
        self.insert(table, rows)

    def make(self):
        for number, index in enumerate(INDEXES):
            self.run(f"CREATE INDEX i{number} ON {index}")

    def rows_one_by_one(self):
        """The same facts as one row for each finding, by number, with the key that a list of them needs."""
        self.run("DROP TABLE IF EXISTS finding")
        self.run("CREATE TABLE finding (asset INTEGER, package INTEGER, vulnerability INTEGER, severity TEXT, state TEXT, "
                 "fixable TEXT, fixed_version TEXT, class TEXT, since BIGINT, PRIMARY KEY (asset, package, vulnerability))")
        self.run("INSERT INTO finding SELECT p.asset, p.package, m.vulnerability, m.severity, m.state, m.fixable, "
                 "m.fixed_version, m.class, p.since FROM presence p JOIN match m ON m.package = p.package")


class DuckDb(Tables):
    """Makes the tables out of exports of Parapet and writes them for the others."""

    name = "DuckDB"

    def __init__(self, folder, parts, since):
        """`parts` yields files that together have every row once; `since` says when assets were first recorded."""
        path = os.path.join(folder, "duck.db")
        if os.path.exists(path):
            os.remove(path)
        self.connection = duckdb.connect(path, config={"memory_limit": "3GB", "temp_directory": folder + "/duck.tmp"})
        # A large COPY need not keep the order of a join that has none.
        self.run("SET preserve_insertion_order = false")
        for table, columns in TABLES.items():
            self.run(f"CREATE TABLE {table} ({columns.split(', PRIMARY KEY')[0].replace(' PRIMARY KEY', '')})")
        self.run(f"CREATE TEMP TABLE since AS SELECT * FROM read_csv('{since}', header = false, "
                 "columns = {'asset_id': 'VARCHAR', 'since': 'BIGINT'})")
        distinct = {
            "asset": "kind, asset_id, asset, repository, distro",
            "package": "package, version, arch, ecosystem, source",
            "vulnerability": "vulnerability, cvss, kev, title",
        }
        for source in parts:
            self.read(source, "rows")
            for table, columns in distinct.items():
                self.run(f"INSERT INTO {table} SELECT (SELECT coalesce(max(no), 0) FROM {table}) + row_number() OVER (), * "
                         f"FROM (SELECT DISTINCT {columns} FROM rows EXCEPT SELECT {columns} FROM {table})")
            self.number("rows")
            self.run("INSERT INTO presence SELECT DISTINCT n.asset_no, n.package_no, s.since FROM numbered n JOIN since s USING (asset_id)")
            columns = "package_no, vulnerability_no, severity, state, fixable, fixed_version, class"
            self.run(f"INSERT INTO match SELECT DISTINCT {columns} FROM numbered EXCEPT SELECT * FROM match")
            self.run("DROP TABLE rows")
            self.run("DROP TABLE numbered")
        for index in ("asset (no)", "package (no)", "vulnerability (no)", "presence (asset, package)", "match (package, vulnerability)"):
            self.run(f"CREATE UNIQUE INDEX {index.split(' ')[0]}_key ON {index}")
        self.make()
        for table in TABLES:
            self.run(f"COPY {table} TO '{folder}/{table}.csv' (HEADER false)")
        self.run("CHECKPOINT")

    def read(self, source, name):
        rows = f"read_csv('{source}', header = true, all_varchar = true, nullstr = '@@none@@')"
        self.run(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {rows}")

    def number(self, name, by="vulnerability, cvss, kev, title"):
        self.run("CREATE OR REPLACE TEMP TABLE numbered AS SELECT a.no AS asset_no, k.no AS package_no, v.no AS vulnerability_no, "
                 f"r.* FROM {name} r JOIN asset a USING (asset_id) JOIN package k USING (package, version, arch, ecosystem, source) "
                 f"JOIN vulnerability v USING ({by})")

    def changed_matches(self, source):
        """The matches of the tables that an export after a change does not have, those that only it has, and
        vulnerabilities that bear another name now, which are added here."""
        self.read(source, "rows")
        fresh = self.connection.execute(
            "SELECT (SELECT max(no) FROM vulnerability) + row_number() OVER (), vulnerability, min(cvss), min(kev), min(title) "
            "FROM rows WHERE vulnerability NOT IN (SELECT vulnerability FROM vulnerability) GROUP BY vulnerability").fetchall()
        if fresh:
            self.connection.executemany("INSERT INTO vulnerability VALUES (?, ?, ?, ?, ?)", fresh)
        self.number("rows", "vulnerability")
        wanted = "SELECT DISTINCT package_no, vulnerability_no, severity, state, fixable, fixed_version, class FROM numbered"
        gone = self.connection.execute(f"SELECT * FROM match EXCEPT {wanted}").fetchall()
        came = self.connection.execute(f"{wanted} EXCEPT SELECT * FROM match").fetchall()
        self.run("DROP TABLE rows")
        self.run("DROP TABLE numbered")
        return gone, came, fresh

    def export(self, where, to, form="csv"):
        how = {"csv": "HEADER true", "parquet": "FORMAT parquet", "jsonl": "FORMAT json"}[form]
        self.run(f"COPY ({rows_where(where)}) TO '{to}' ({how})")


class Postgres(Tables):
    name = "PostgreSQL"

    def __init__(self, folder, server, images):
        database = f"parapet_bench_{images}"
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {database}")
            admin.execute(f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")
        address = urllib.parse.urlsplit(server)._replace(path="/" + database).geturl()
        self.connection = psycopg.connect(address, autocommit=True)
        self.process = self.connection.info.backend_pid
        for table, columns in TABLES.items():
            self.run(f"CREATE TABLE {table} ({columns})")
            with self.connection.cursor() as cursor, open(f"{folder}/{table}.csv", "rb") as file:
                with cursor.copy(f"COPY {table} FROM STDIN (FORMAT csv, NULL '\u0001')") as copy:
                    while chunk := file.read(1 << 20):
                        copy.write(chunk)
        self.make()
        self.run("VACUUM ANALYZE")

    def core(self):
        """Its process, workers that ended (children of the process that ours is a child of), and this client."""
        with open(f"/proc/{self.process}/status") as status:
            parent = re.search(r"PPid:\s+(\d+)", status.read()).group(1)
        return core_of(self.process)[0] + core_of(parent)[1] + super().core()

    def export(self, where, to, form="csv"):
        with self.connection.cursor() as cursor, open(to, "wb") as file:
            with cursor.copy(f"COPY ({rows_where(where)}) TO STDOUT (FORMAT csv, HEADER true)") as copy:
                for chunk in copy:
                    file.write(chunk)


class Sqlite(Tables):
    name = "SQLite"

    def __init__(self, folder):
        path = os.path.join(folder, "lite.db")
        if os.path.exists(path):
            os.remove(path)
        self.connection = sqlite3.connect(path, isolation_level=None)
        for table, columns in TABLES.items():
            self.run(f"CREATE TABLE {table} ({columns})")
            with open(f"{folder}/{table}.csv", newline="", encoding="utf-8") as file:
                places = ", ".join("?" * len(columns.split(", PRIMARY KEY (")[0].split(",")))
                self.run("BEGIN")
                self.connection.executemany(f"INSERT INTO {table} VALUES ({places})", csv.reader(file))
                self.run("COMMIT")
        self.make()
        self.run("ANALYZE")

    def export(self, where, to, form="csv"):
        with open(to, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(self.connection.execute(rows_where(where)))
