// Sends requests signed by @huaweicloud/huaweicloud-sdk-core and prints what came back.
//
//     node hss_node.js URL ACCESS_KEY SECRET_KEY PROJECT_ID
//
// NODE_PATH names the folder that holds the package.
"use strict";

const http = require("http");
const { AKSKSigner } = require("@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner");

const [url, ak, sk, project] = process.argv.slice(2);
const credential = { getAk: () => ak, getSk: () => sk };

function send(name, method, path, queryParams = {}, data = undefined) {
  const headers = { "content-type": "application/json", "X-Project-Id": project, "User-Agent": "node-core/1" };
  const request = { endpoint: url + path, method, headers, queryParams, data };
  const signed = AKSKSigner.sign(request, credential);
  const query = AKSKSigner.CanonicalQueryString(request);
  const body = data === undefined ? "" : JSON.stringify(data);
  return new Promise((resolve, reject) => {
    const options = { method, headers: { ...signed, "Content-Length": Buffer.byteLength(body) } };
    const out = http.request(url + path + (query ? `?${query}` : ""), options, (answer) => {
      let text = "";
      answer.on("data", (part) => (text += part));
      answer.on("end", () => {
        const parsed = JSON.parse(text);
        console.log(`${name}: ${answer.statusCode} ${parsed.error_code ?? "ok"}`);
        resolve(parsed);
      });
    });
    out.on("error", reject);
    out.end(body);
  });
}

async function main() {
  await send("projects", "GET", "/v3/projects", { name: "cn-north-4" });
  const query = {
    category: "vul", export_size: 200000, repair_priority: "Critical,High", type: "linux_vul",
    group_name: "a b+c/é~*", handle_status: "unhandled",
  };
  const headers = [["vul_id", "漏洞 ID"]];
  const created = await send("export", "POST", `/v5/${project}/vul/export`, query, { export_headers: headers });
  await send("poll", "GET", `/v5/${project}/export-task/${created.task_id}`, { enterprise_project_id: "all_granted_eps" });
  await send("escaped path", "GET", `/v5/${project}/download/F%2F1%20x`);
  await send("repeated", "GET", `/v5/${project}/vulnerability/handle-history`, {
    enterprise_project_id: "0", limit: 10, offset: 0, status: ["vul_status_unfix", "vul_status_ignored"],
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
