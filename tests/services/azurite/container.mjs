// Makes the container `logs`: node container.mjs ENDPOINT ACCOUNT KEY
import { createHmac } from "node:crypto";

const [endpoint, account, key] = process.argv.slice(2);
const headers = { "x-ms-date": new Date().toUTCString(), "x-ms-version": "2021-08-06" };
const url = new URL(`${endpoint}/logs`);
const signed = [
  "PUT", ...Array(11).fill(""),
  ...Object.entries(headers).map(([name, value]) => `${name}:${value}`),
  `/${account}${url.pathname}`,
  "restype:container",
].join("\n");
const signature = createHmac("sha256", Buffer.from(key, "base64")).update(signed).digest("base64");
headers.authorization = `SharedKey ${account}:${signature}`;
const answer = await fetch(`${url}?restype=container`, { method: "PUT", headers });
// 409: it is there, the server was started again.
if (answer.status !== 201 && answer.status !== 409) {
  console.error(answer.status, await answer.text());
  process.exit(1);
}
