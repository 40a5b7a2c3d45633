"""Imports all containers and their vulnerabilities through regscale-cli.

    regscale_import.py URL PASSWORD
"""

import sys

import regscale.integrations.commercial.qualys as qualys

URL, PASSWORD = sys.argv[1:3]
# An address with "mock" in its name is used as it is; so is one that it does not know.
config = {"qualysUrl": URL, "qualysUserName": "admin", "qualysPassword": PASSWORD}
qualys._get_config = lambda: config

from regscale.integrations.commercial.qualys.containers import fetch_all_images, fetch_all_vulnerabilities

for container in fetch_all_vulnerabilities(limit=2):
    cves = sorted(cve for vuln in container.get("vulnerabilities") or [] for cve in vuln["cveids"])
    print(f"= {container['name']}: {' '.join(cves)}")
print("= images:", len(fetch_all_images(limit=1)))
