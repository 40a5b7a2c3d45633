"""Lists all containers and their vulnerabilities through qualysdk.

    qualys_sdk.py URL PASSWORD

The SDK turns an overridden address into https; an entry of its own table of platforms it takes as it is.
"""

import sys

import qualysdk.cs.container.container_calls as calls
from qualysdk.auth import TokenAuth
from qualysdk.auth.platform_picker import PlatformPicker

URL, PASSWORD = sys.argv[1:3]

PlatformPicker.urls["gateway_urls"]["qg3"] = URL
auth = TokenAuth("admin", PASSWORD, platform="qg3")

pages = 0
plain_call = calls.call_api


def counted(*arguments, **named):
    global pages
    pages += "list_containers" in arguments
    return plain_call(*arguments, **named)


calls.call_api = counted
containers = calls.list_containers(auth, limit=2)
print("= pages:", pages)
for container in containers:
    vulns = calls.get_container_vulns(auth, container.sha)
    cves = sorted(cve for vuln in vulns for cve in vuln.cveids)
    packages = calls.get_software_on_container(auth, container.sha)
    count = calls.get_container_vuln_count(auth, container.sha)
    details = calls.get_container_details(auth, container.sha)
    assert details.uuid == container.uuid
    print(f"= {container.name}: {' '.join(cves)} | {len(packages)} packages | severity5Count {count['severity5Count']}")
print("= none:", len(calls.list_containers(auth, filter="name:nothing")))
