"""Drives the exports through huaweicloudsdkhss and huaweicloudsdkiam.

    hss_sdk.py URL PASSWORD

The SDK offers no token sign-in of its own; a preset Authorization header switches its signing off.
"""

import csv
import io
import sys
import time
import zipfile

import huaweicloudsdkhss.v5 as hss
import huaweicloudsdkiam.v3 as iam
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

URL, PASSWORD = sys.argv[1:3]


def token() -> tuple[str, str]:
    client = iam.IamClient.new_builder().with_credentials(GlobalCredentials("x", "x", "default")).with_endpoint(URL).build()
    user = iam.PwdPasswordUser(domain=iam.PwdPasswordUserDomain(name="default"), name="admin", password=PASSWORD)
    identity = iam.PwdIdentity(methods=["password"], password=iam.PwdPassword(user=user))
    scope = iam.AuthScope(project=iam.AuthScopeProject(name="default"))
    body = iam.KeystoneCreateUserTokenByPasswordRequestBody(auth=iam.PwdAuth(identity=identity, scope=scope))
    answer = client.keystone_create_user_token_by_password(iam.KeystoneCreateUserTokenByPasswordRequest(body=body))
    return answer.x_subject_token, answer.token.project.id


def rows(client, task: str) -> list[list[str]]:
    while True:
        state = client.list_query_export_task(hss.ListQueryExportTaskRequest(task_id=task))
        if state.task_status != "running":
            break
        time.sleep(0.05)
    assert state.task_status == "success", state
    content = io.BytesIO()
    download = client.list_download_exported_file(hss.ListDownloadExportedFileRequest(file_id=state.file_id))
    download.consume_download_stream(lambda response: content.write(response.content))
    with zipfile.ZipFile(content) as archive:
        (member,) = archive.namelist()
        return list(csv.reader(io.StringIO(archive.read(member).decode("utf-8-sig"))))


subject, project = token()
client = hss.HssClient.new_builder().with_credentials(BasicCredentials("x", "x", project)).with_endpoint(URL).build()
client.preset_headers = {"X-Auth-Token": subject, "Authorization": "x"}

body = hss.ExportVulRequestBody(export_headers=[["vul_id", "漏洞 ID"], ["vul_name", "Name"]])
created = client.export_vuls(hss.ExportVulsRequest(category="vul", export_size=200000, type="linux_vul",
                                                   handle_status="unhandled", body=body))
table = rows(client, created.task_id)
assert table[0] == ["漏洞 ID", "Name"], table
print("vul rows:", *(row[0] for row in table[1:]))

body = hss.BatchExportLocalVulInfoRequestInfo(operate_all=True)
created = client.batch_export_local_vul_task(
    hss.BatchExportLocalVulTaskRequest(region="local-1", export_size=5, body=body))
assert created.record_total_num == len(rows(client, created.task_id)) - 1
print("image rows:", created.record_total_num)

try:
    client.list_query_export_task(hss.ListQueryExportTaskRequest(task_id="0" * 32))
except ClientRequestException as error:
    print("unknown task:", error.error_code)
