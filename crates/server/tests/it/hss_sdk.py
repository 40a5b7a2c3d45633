"""Drives the HSS family through huaweicloudsdkhss and huaweicloudsdkiam.

    hss_sdk.py URL PASSWORD ACCESS_KEY SECRET_KEY PROJECT_ID

Signs with the key pair, once with a temporary one, and once sends a token instead: the SDK offers no
token sign-in of its own, but a preset Authorization header switches its signing off.
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
from huaweicloudsdkcore.region.region import Region

URL, PASSWORD, AK, SK, PROJECT = sys.argv[1:6]


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


def exports(name: str, client) -> None:
    body = hss.ExportVulRequestBody(export_headers=[["vul_id", "漏洞 ID"], ["vul_name", "Name"]])
    created = client.export_vuls(hss.ExportVulsRequest(category="vul", export_size=200000, type="linux_vul",
                                                       repair_priority="Critical,High,Medium,Low",
                                                       handle_status="unhandled", body=body))
    table = rows(client, created.task_id)
    assert table[0] == ["漏洞 ID", "Name"], table
    print(f"{name} vul rows:", *(row[0] for row in table[1:]))
    body = hss.BatchExportLocalVulInfoRequestInfo(operate_all=True)
    created = client.batch_export_local_vul_task(
        hss.BatchExportLocalVulTaskRequest(region="local-1", export_size=5, body=body))
    assert created.record_total_num == len(rows(client, created.task_id)) - 1
    print(f"{name} image rows:", created.record_total_num)


def code(call) -> str:
    try:
        call()
    except ClientRequestException as error:
        assert error.request_id and error.error_msg, error
        return f"{error.status_code} {error.error_code}"
    raise AssertionError("the call succeeds")


def signed(ak: str, sk: str, project: str = PROJECT):
    return hss.HssClient.new_builder().with_credentials(BasicCredentials(ak, sk, project)).with_endpoint(URL).build()


client = signed(AK, SK)
exports("signed", client)
unknown = hss.ListQueryExportTaskRequest(task_id="0" * 32)
print("unknown task:", code(lambda: client.list_query_export_task(unknown)))
print("wrong secret:", code(lambda: signed(AK, SK + "x").list_query_export_task(unknown)))
print("unknown key:", code(lambda: signed("AKUNKNOWN00000000000", SK).list_query_export_task(unknown)))
print("without project:", code(lambda: signed(AK, SK, None).list_query_export_task(unknown)))
print("no category:", code(lambda: client.export_vuls(hss.ExportVulsRequest())))

# A region instead of an endpoint: the SDK asks for the project by itself.
credentials = BasicCredentials(AK, SK).with_iam_endpoint(URL)
found = hss.HssClient.new_builder().with_credentials(credentials).with_region(Region("cn-north-4", URL)).build()
print("discovered project:", code(lambda: found.list_query_export_task(unknown)))

# Lists and changes.
listed = client.list_vulnerabilities(hss.ListVulnerabilitiesRequest(limit=200))
print("listed:", *(f"{row.vul_id}={row.unhandle_host_num}" for row in listed.data_list))
hosts = client.list_host_status(hss.ListHostStatusRequest())
host = hosts.data_list[0]
print("hosts:", hosts.total_num, host.host_name, host.vulnerability)
of_vul = client.list_vul_hosts(hss.ListVulHostsRequest(vul_id=listed.data_list[0].vul_id, type="linux_vul"))
assert of_vul.data_list[0].host_id == host.host_id
of_host = client.list_host_vuls(hss.ListHostVulsRequest(host_id=host.host_id))
assert [row.vul_id for row in of_host.data_list] == [row.vul_id for row in listed.data_list]
change = hss.ChangeVulStatusRequestInfo(operate_type="ignore", remark="by the SDK", data_list=[
    hss.VulOperateInfo(vul_id=listed.data_list[0].vul_id, host_id_list=[host.host_id])])
client.change_vul_status(hss.ChangeVulStatusRequest(body=change))
counts = client.show_vul_statics(hss.ShowVulStaticsRequest())
print("after ignoring:", counts.unrepair, "open,", counts.today_handle, "handled")
history = client.list_vul_handle_history(hss.ListVulHandleHistoryRequest(
    enterprise_project_id="all_granted_eps", limit=10, offset=0, status=["vul_status_ignored", "vul_status_unfix"]))
print("history:", *(f"{row.user_name} {row.type} {row.vul_id}" for row in history.data_list))
client.change_vul_status(hss.ChangeVulStatusRequest(body=hss.ChangeVulStatusRequestInfo(
    operate_type="not_ignore", select_type="all_vul", type="linux_vul")))
client.add_hosts_group(hss.AddHostsGroupRequest(body=hss.AddHostsGroupRequestInfo(
    group_name="前端", host_id_list=[host.host_id])))
groups = client.list_host_groups(hss.ListHostGroupsRequest())
print("groups:", *(f"{row.group_name}={row.host_num}" for row in groups.data_list))
client.associate_host_asset_value(hss.AssociateHostAssetValueRequest(body=hss.AssociateHostAssetValueRequestInfo(
    asset_value="important", host_id_list=[host.host_id])))
assert client.list_host_status(hss.ListHostStatusRequest(asset_value="important")).total_num == 1
client.delete_hosts_group(hss.DeleteHostsGroupRequest(group_id=groups.data_list[0].group_id))
print("local images:", client.list_image_local(hss.ListImageLocalRequest()).total_num)
client.add_vul_white_list(hss.AddVulWhiteListRequest(body=hss.AddVulWhiteListRequestBody(
    vul_type="linux_vul", vul_ids=[listed.data_list[1].vul_id], rule_type="all_host")))
entries = client.list_vul_white_list(hss.ListVulWhiteListRequest(limit=10, offset=0))
print("white list:", *(row.vul_id for row in entries.data_list))
client.delete_vul_white_list(hss.DeleteVulWhiteListRequest(body=hss.DeleteVulWhiteListBody(
    ids=[row.id for row in entries.data_list])))

# The asynchronous client.
later = hss.HssAsyncClient.new_builder().with_credentials(BasicCredentials(AK, SK, PROJECT)).with_endpoint(URL).build()
futures = [later.list_vulnerabilities_async(hss.ListVulnerabilitiesRequest(limit=10)) for _ in range(4)]
print("async:", *(future.result().total_num for future in futures))

# A token, and a temporary key made with it.
subject, project = token()
assert project == PROJECT
with_token = hss.HssClient.new_builder().with_credentials(BasicCredentials("x", "x", project)).with_endpoint(URL).build()
with_token.preset_headers = {"X-Auth-Token": subject, "Authorization": "x"}
exports("token", with_token)
identity = iam.IamClient.new_builder().with_credentials(GlobalCredentials("x", "x", "default")).with_endpoint(URL).build()
identity.preset_headers = {"X-Auth-Token": subject, "Authorization": "x"}
body = iam.CreateTemporaryAccessKeyByTokenRequestBody(auth=iam.TokenAuth(identity=iam.TokenAuthIdentity(
    methods=["token"], token=iam.IdentityToken(duration_seconds=900))))
pair = identity.create_temporary_access_key_by_token(iam.CreateTemporaryAccessKeyByTokenRequest(body=body)).credential
temporary = BasicCredentials(pair.access, pair.secret, PROJECT).with_security_token(pair.securitytoken)
short = hss.HssClient.new_builder().with_credentials(temporary).with_endpoint(URL).build()
print("temporary key:", code(lambda: short.list_query_export_task(unknown)))
