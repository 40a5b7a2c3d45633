"""What an HSS script does, against whichever endpoint it is given.

    huawei_hss.py URL ACCESS_KEY SECRET_KEY PROJECT_ID

Reads images again, lists, ignores one vulnerability, exports both ways, fetches the files and compares
every row with the list calls. Fails when any differs.
"""

import csv
import io
import sys
import tempfile
import time
import zipfile

import huaweicloudsdkhss.v5 as hss
from huaweicloudsdkcore.auth.credentials import BasicCredentials

URL, AK, SK, PROJECT = sys.argv[1:5]
LEVELS = "Critical,High,Medium,Low"

client = (hss.HssClient.new_builder().with_credentials(BasicCredentials(AK, SK, PROJECT))
          .with_endpoint(URL).build())


def all_of(call, request):
    """Every entry of a list, page by page."""
    rows, request.limit, request.offset = [], 200, 0
    while True:
        page = call(request)
        rows += page.data_list
        request.offset += request.limit
        if request.offset >= page.total_num:
            return rows


def fetched(task):
    """The rows of a finished export as dictionaries."""
    while True:
        state = client.list_query_export_task(hss.ListQueryExportTaskRequest(task_id=task))
        if state.task_status != "running":
            break
        time.sleep(0.2)
    assert state.task_status == "success", state
    with tempfile.TemporaryFile() as file:
        answer = client.list_download_exported_file(hss.ListDownloadExportedFileRequest(file_id=state.file_id))
        answer.consume_download_stream(lambda response: [file.write(part) for part in response.iter_content(65536)])
        with zipfile.ZipFile(file) as archive:
            (member,) = archive.namelist()
            text = io.TextIOWrapper(archive.open(member), "utf-8-sig", newline="")
            rows = list(csv.DictReader(text))
    print(f"  {state.file_name}: {len(rows)} rows")
    return rows


def same(what, exported, listed):
    """Both have the same rows, whatever their order."""
    exported, listed = sorted(exported), sorted(listed)
    assert exported == listed, f"{what}: the file has {len(exported)} rows, the lists have {len(listed)}"
    print(f"  {what}: all {len(exported)} rows are those of the list calls")


def scan():
    """Reads the images again that a registry holds, and waits."""
    held = all_of(client.list_swr_image_repository, hss.ListSwrImageRepositoryRequest(image_type="private_image"))
    print(f"images in registries: {len(held)}")
    if not held:
        return
    body = hss.BatchScanPrivateImageRequestInfo(operate_all=True, image_type="private_image")
    client.batch_scan_swr_image(hss.BatchScanSwrImageRequest(body=body))
    while True:
        task = client.list_image_scan_task(hss.ListImageScanTaskRequest(type="image_scan")).data_list[0]
        if task.task_status in (100, -1, -3):
            print(f"  read again: {task.success_num} of {task.total_num}")
            return
        time.sleep(0.5)


def vulnerabilities(**more):
    return all_of(client.list_vulnerabilities,
                  hss.ListVulnerabilitiesRequest(type="linux_vul", repair_priority=LEVELS, **more))


def ignore_one():
    """Ignores the first vulnerability on all its servers."""
    chosen = vulnerabilities(handle_status="unhandled")[0]
    pair = hss.VulOperateInfo(vul_id=chosen.vul_id, host_id_list=chosen.host_id_list)
    body = hss.ChangeVulStatusRequestInfo(operate_type="ignore", remark="not reachable here", data_list=[pair])
    client.change_vul_status(hss.ChangeVulStatusRequest(body=body))
    left = {row.vul_id for row in vulnerabilities(handle_status="unhandled")}
    assert chosen.vul_id not in left
    done = client.list_vul_handle_history(hss.ListVulHandleHistoryRequest(
        enterprise_project_id="all_granted_eps", vul_id=chosen.vul_id, limit=10, offset=0)).data_list[0]
    print(f"ignored {chosen.vul_id} on {chosen.host_num} servers, by {done.user_name}: {done.description}")


def export_vulnerabilities():
    """The request of the reference's own example."""
    headers = [["enterprise_project_name", "Enterprise project"], ["vul_name", "Vulnerability name"],
               ["vul_id", "Vulnerability ID"]]
    request = hss.ExportVulsRequest(category="vul", export_size=200000, offset=0, type="linux_vul",
                                    handle_status="unhandled", repair_priority=LEVELS,
                                    body=hss.ExportVulRequestBody(export_headers=headers))
    rows = fetched(client.export_vuls(request).task_id)
    same("vulnerabilities", [(row["Vulnerability ID"], row["Vulnerability name"]) for row in rows],
         [(row.vul_id, row.vul_name) for row in vulnerabilities(handle_status="unhandled")])


def export_servers():
    headers = [["host_id", "Server"], ["vul_id", "Vulnerability ID"], ["severity_level", "Severity"],
               ["version", "修复版本"]]
    request = hss.ExportVulsRequest(category="host", export_size=200000, type="linux_vul",
                                    handle_status="unhandled",
                                    body=hss.ExportVulRequestBody(export_headers=headers))
    rows = fetched(client.export_vuls(request).task_id)
    listed = []
    for host in all_of(client.list_host_status, hss.ListHostStatusRequest()):
        request = hss.ListHostVulsRequest(host_id=host.host_id, type="linux_vul", handle_status="unhandled")
        listed += [(host.host_id, row.vul_id, row.severity_level, row.version or "")
                   for row in all_of(client.list_host_vuls, request)]
    same("servers", [tuple(row.values()) for row in rows], listed)


def export_images():
    body = hss.BatchExportLocalVulInfoRequestInfo(operate_all=True)
    request = hss.BatchExportLocalVulTaskRequest(region="default", export_size=200000, body=body)
    created = client.batch_export_local_vul_task(request)
    rows = fetched(created.task_id)
    assert created.record_total_num == len(rows)
    listed = []
    for image in all_of(client.list_image_local, hss.ListImageLocalRequest()):
        request = hss.ListImageVulnerabilitiesRequest(image_id=image.image_id, image_type="private_image",
                                                      namespace="", image_name=image.image_name,
                                                      tag_name=image.image_version)
        listed += [(image.image_id, row.vul_id)
                   for row in all_of(client.list_image_vulnerabilities, request)]
    same("images", [(row["Image ID"], row["Vulnerability ID"]) for row in rows], listed)


scan()
counts = client.show_vul_statics(hss.ShowVulStaticsRequest())
print(f"servers: {counts.supported}, with vulnerabilities: {counts.existed_vul_hosts}, open: {counts.unrepair}")
ignore_one()
print("exports:")
export_vulnerabilities()
export_servers()
export_images()
