"""Real clients against a server: the first argument says which, the others where and with which ids."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
program, base, password, ids = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])


def qualysclient():
    import qualysclient
    import qualysclient._util as util
    from lxml import etree

    qualysclient.AUTH_URI = base + "/api/2.0/fo/session/"
    util.BASE_URI = base
    client = qualysclient.QualysClient("manager", password)
    assert "QualysSession" in client.s.cookies.get_dict(), client.s.cookies
    made = client.compliance_exception_request(
        control_id=ids["control"], host_id=ids["host"], policy_id=ids["policy"],
        technology_id=ids["technology"], assignee_id=ids["assignee"], comments="from a client",
        reopen_on_evidence_change=1,
    )
    number = etree.fromstring(made.content).findtext("./RESPONSE/ITEM_LIST/ITEM/VALUE")
    done = client.compliance_exception_update(number, "looked at", status="Approved", end_date="02/01/2027")
    assert etree.fromstring(done.content).findtext(".//BATCH/TEXT") == "Successfully Updated", done.text
    listed = client.compliance_exception_list(status="approved", details="All", truncation_limit=5)
    row = etree.fromstring(listed.content).find(".//EXCEPTION")
    assert row.findtext("EXCEPTION_NUMBER") == number and row.findtext("STATUS") == "Approved", listed.text
    assert [h.findtext("USER") for h in row.iter("HISTORY")] == ["manager", "manager"], listed.text
    client.logout()


def qualysapi():
    import qualysapi

    client = qualysapi.connect(username="manager", password=password, hostname=base.split("://")[1])
    path = "/api/2.0/fo/compliance/exception/"
    made = client.request(path, {
        "action": "request", "control_id": ids["control"], "host_id": ids["host"], "policy_id": ids["policy"],
        "technology_id": ids["technology"], "assignee_id": ids["assignee"], "comments": "from a client",
    }, verify=False)
    assert "Exception created successfully" in made, made
    assert "SYSTEM \"" + base + "/api/2.0/simple_return.dtd\"" in made, made
    listed = client.request(path, {"action": "list"}, verify=False)
    assert "<STATUS>Pending</STATUS>" in listed, listed


globals()[program]()
print("ok")
