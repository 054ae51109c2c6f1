import { createServer, type Server } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MailStandIn, startMail } from "../../local/mail/index.ts";
import { packBytes } from "../../src/store/compressed-cells.ts";
import { alert } from "../engine/harness.ts";
import { CLUSTER } from "../engine/world.ts";
import { KillableApp } from "../scenarios/killed-app.ts";
import { type Place, placesOfRows, secretsIn } from "./secret-search.ts";

/** Each stands in one place only, so that a find tells which way it leaked. */
const SECRETS = {
  webhook: "canary-webhook-signature-5f3a",
  password: "canary-mail-password-91bc",
  state: "Y2FuYXJ5LXN0b3JhZ2Uta2V5LTc3MGU=",
  hub: "canary-hub-signature-24d8",
  functionKey: "canary-function-key-c6e1",
  masterKey: "master-key-of-a-test",
  clusterToken: "stand-in-token",
  badToken: "canary-bearer-token-0a9f",
  podVariable: "canary-pod-variable-3e5d",
  forbidden: "canary-in-a-403-b1f7",
  invalid: "canary-in-a-422-48aa",
  page: "canary-in-a-500-page-d3c0",
  webhookAnswer: "canary-in-a-webhook-answer-6b2e",
} as const;

/** No secret: it goes all the way that a person's reason goes, so that the search is seen to look there. */
const PLANTED = "planted-in-a-reason-82cd";

const CONFIGURATION = `
mode: enforce
clusters:
  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: kubeconfig.json } }
channels:
  - { name: soc, kind: teams, urlSetting: SOC_WEBHOOK }
  - { name: duty, kind: mail, serverSetting: MAIL_SERVER, from: reflex@example.com, to: [duty@example.com] }
rules:
  - name: miners
    when: { kind: alert, key: "K8S.NODE_*" }
    playbooks: [ { name: isolate-pod, ttl: 20d } ]
    mode: enforce
    notify: [soc, duty]
`;

const status = (code: number, reason: string, message: string) => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  code,
  reason,
  message,
  details: { causes: [{ reason: "FieldValueInvalid", field: "spec.containers[0].env", message }] },
});

/** A Teams workflow that refuses with an answer that repeats what it should not. */
async function startWebhook(posted: Place[]): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      posted.push({ where: "a card", content: body });
      response.writeHead(400, { "content-type": "application/json", "x-echo": SECRETS.webhookAnswer });
      response.end(
        JSON.stringify({ error: { code: "Bad", message: `${request.url} ${SECRETS.webhookAnswer}` } }),
      );
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  return { server, port: typeof address === "object" ? (address?.port ?? 0) : 0 };
}

describe("secrets in the built app", () => {
  let app: KillableApp;
  let mail: MailStandIn;
  let webhook: Server;
  const posted: Place[] = [];
  const answers: Place[] = [];

  beforeAll(async () => {
    mail = await startMail({ login: { user: "reflex", password: "another" } });
    const started = await startWebhook(posted);
    webhook = started.server;
    app = await KillableApp.start(CONFIGURATION, {
      env: {
        SOC_WEBHOOK: `http://127.0.0.1:${started.port}/workflows/w1?sig=${SECRETS.webhook}`,
        MAIL_SERVER: `smtp://reflex:${SECRETS.password}@127.0.0.1:${mail.port}`,
        AzureWebJobsStorage: `DefaultEndpointsProtocol=https;AccountName=host;AccountKey=${SECRETS.state}`,
        REFLEX_UNUSED: `Endpoint=sb://127.0.0.1;SharedAccessSignature=${SECRETS.hub}`,
      },
    });
    app.kubernetes.seed(
      ["web-0", "web-1", "web-2", "web-3", "web-4"].map((name) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name,
          namespace: "shop",
          labels: { app: "web" },
          creationTimestamp: "2026-01-01T00:00:00Z",
        },
        spec: {
          nodeName: "n1",
          containers: [
            { name: "c", image: "registry.example/web:1", env: [{ name: "P", value: SECRETS.podVariable }] },
          ],
        },
        status: { phase: "Running" },
      })),
    );
  }, 120_000);
  afterAll(async () => {
    await app.stop();
    await mail.stop();
    webhook.closeAllConnections();
    await new Promise((closed) => webhook.close(closed));
  });

  async function ask(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
    const { status: code, headers: sent, text, json } = await app.request(method, path, body, headers);
    const content = `${code} ${JSON.stringify([...sent])} ${text}`;
    answers.push({ where: `${method} ${path.replace(/\?.*/, "")} answered ${code}`, content });
    return { code, json };
  }

  const run = (name: string) =>
    ask("POST", "/api/playbooks/isolate-pod/runs", {
      target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name },
      mode: "enforce",
      ttl: "8h",
      notify: ["soc", "duty"],
      reason: `a drill, ${PLANTED}`,
    });

  it("are in no log, answer, message or table, in any form", async () => {
    // What goes well, and what fails in each of the ways that quote something.
    expect((await run("web-0")).code).toBe(202);
    for (const [name, fault] of [
      ["web-1", { status: 403, body: status(403, "Forbidden", `user "${SECRETS.forbidden}" cannot`) }],
      ["web-2", { status: 422, body: status(422, "Invalid", `Invalid value: "${SECRETS.invalid}"`) }],
      ["web-3", { status: 500, body: `<html>${SECRETS.page}</html>`, headers: { "x-trace": SECRETS.page } }],
    ] as const) {
      app.kubernetes.faults.add({
        match: { path: `/pods/${name}` },
        times: 3,
        answer: { kind: "status", ...fault },
      });
      await run(name);
    }
    const at = new Date(app.now().getTime() - 60_000).toISOString();
    await app.send([alert({ id: "by-alert", pod: "web-4", at }), new TextEncoder().encode("{broken")]);
    const decided = async () => (await app.remediations()).some(({ signal }) => signal.id === "by-alert");
    for (let tries = 0; tries < 100 && !(await decided()); tries++) {
      await new Promise((later) => setTimeout(later, 100));
    }
    expect(await decided(), app.lines.slice(-20).join("\n")).toBe(true);
    for (let round = 0; round < 2; round++) await app.sweep();
    // Doors that refuse.
    await ask("GET", `/api/remediations?code=${SECRETS.functionKey}`, undefined, {});
    await ask("GET", "/api/remediations", undefined, { "x-functions-key": SECRETS.functionKey });
    const bearer = { ...(await app.headers()), authorization: `Bearer ${SECRETS.badToken}` };
    expect((await ask("GET", "/api/remediations", undefined, bearer)).code).toBe(401);
    await ask("POST", "/api/playbooks/isolate-pod/runs", "{", undefined);
    await ask("GET", "/api/health");
    for (const { id } of await app.remediations()) {
      expect((await ask("GET", `/api/remediations/${id}`)).code).toBe(200);
    }
    const good = (await app.headers())["authorization"]?.replace("Bearer ", "") ?? "";
    // The ways have been gone: channels were tried and failed, records were written.
    expect(posted.length).toBeGreaterThan(0);
    expect(app.lines.join("\n")).toContain("message not sent");
    const rows = await app.rows();
    expect(placesOfRows(rows).filter(({ where }) => where.startsWith("packed")).length).toBeGreaterThan(2);

    const places: Place[] = [
      { where: "the log", content: app.lines.join("\n") },
      ...answers,
      ...posted,
      ...mail.messages.map(({ raw }) => ({ where: "a mail", content: raw })),
      ...placesOfRows(rows),
    ];
    const planted = secretsIn(places, [PLANTED]).join("\n");
    for (const where of [
      "POST /api/playbooks/isolate-pod/runs",
      "GET /api/remediations/",
      "a card",
      "row ",
    ]) {
      expect(planted).toContain(where);
    }
    expect(secretsIn(places, [...Object.values(SECRETS), good.split(".").at(-1) ?? good])).toEqual([]);
  }, 120_000);
});

// What the search is worth: it finds what is planted, in each form.
describe("the search for secrets", () => {
  const secret = SECRETS.webhook;
  const row = (cells: object) => JSON.stringify([{ partitionKey: "3", rowKey: "r!1", ...cells }]);
  const packed = (text: string) => packBytes(new TextEncoder().encode(text));

  it.each([
    ["as it is", `{"event":"x","fault":"https://h/w?sig=${secret}"}`],
    ["in a URL", encodeURIComponent(`?sig=${secret}&x=/`)],
    ["in hex", Buffer.from(`abc${secret}`).toString("hex")],
    ["in base64", Buffer.from(`sig=${secret}`).toString("base64")],
    ["in base64 at another place", Buffer.from(`ab?sig=${secret}&more`).toString("base64")],
    ["in base64 for URLs", Buffer.from(`???>>>sig=${secret}`).toString("base64url")],
    ["compressed in base64", gzipSync(`{"sig":"${secret}"}`).toString("base64")],
  ])("finds one in a log %s", (_form, content) => {
    expect(secretsIn([{ where: "the log", content }], Object.values(SECRETS))).toEqual([
      `the log: ${secret}`,
    ]);
  });

  it.each([
    ["a cell", row({ reason: `answered at ${secret}` })],
    ["packed cells", row(packed(JSON.stringify({ deep: { sig: secret } })))],
    [
      "many packed cells",
      row(packed(`${Array.from({ length: 60_000 }, (_none, n) => n * 7919).join()}${secret}`)),
    ],
    ["base64 in packed cells", row(packed(Buffer.from(`x${secret}`).toString("base64")))],
  ])("finds one in a row: %s", (_where, rows) => {
    expect(secretsIn(placesOfRows(rows), [secret])).toHaveLength(1);
  });

  it("finds nothing where there is nothing", () => {
    const content = `{"event":"batch"} ${Buffer.from("nothing to be seen here at all").toString("base64")}`;
    expect(secretsIn([{ where: "the log", content }], Object.values(SECRETS))).toEqual([]);
  });
});
