import { createServer, type Server } from "node:net";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMailChannel } from "../../src/clients/mail/mail-channel.ts";
import {
  ForbiddenAddress,
  mayReach,
  type Resolve,
  resolveOutside,
} from "../../src/clients/outside-address.ts";
import { createTeamsChannel } from "../../src/clients/teams/teams-channel.ts";
import { Permanent } from "../../src/model/errors.ts";

const NOWHERE_ELSE = { loopback: false, private: false };
const WEBHOOK = "workflow.westeurope.logic.azure.com";

/** A resolver that gives these answers one after another, and remembers who was asked for. */
function resolver(...answers: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const resolve: Resolve = async (hostname) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    return answer.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  };
  return { asked, resolve };
}

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

describe("an address that a channel may reach", () => {
  it.each(["20.50.2.1", "172.32.0.1", "100.128.0.1", "2603:1020::1", "::ffff:20.50.2.1", "[2603:1020::1]"])(
    "is a public one: %s",
    (address) => {
      expect(mayReach(address, NOWHERE_ELSE)).toBe(true);
    },
  );

  it.each([
    ["this machine", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"],
    ["a private net", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::ffff:10.0.0.1"],
    ["a unique-local net", "fc00::1", "fdff::1"],
    ["a carrier's net", "100.64.0.1", "100.127.255.255"],
    ["instance metadata", "169.254.169.254", "::ffff:169.254.169.254", "169.254.129.1"],
    ["Azure's platform", "168.63.129.16"],
    ["a link-local net", "169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    ["everybody", "224.0.0.1", "239.1.1.1", "ff02::1", "255.255.255.255"],
    ["nobody", "0.0.0.0", "0.1.2.3", "::", "240.0.0.1"],
    ["IPv4 inside IPv6", "64:ff9b::a00:1", "2002:a00:1::1", "::10.0.0.1", "2001::1"],
    ["an example", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"],
    ["no address", "", "localhost", "10.0.0", "0x7f000001"],
  ])("is not %s", (_what, ...addresses) => {
    expect(addresses.filter((address) => mayReach(address, NOWHERE_ELSE))).toEqual([]);
  });

  it("may be private or this machine only where that is asked for; metadata never", () => {
    expect(mayReach("10.0.0.4", { loopback: false, private: true })).toBe(true);
    expect(mayReach("fd00::4", { loopback: false, private: true })).toBe(true);
    expect(mayReach("127.0.0.1", { loopback: false, private: true })).toBe(false);
    expect(mayReach("127.0.0.1", { loopback: true, private: false })).toBe(true);
    expect(mayReach("10.0.0.4", { loopback: true, private: false })).toBe(false);
    for (const address of ["169.254.169.254", "168.63.129.16", "fe80::1", "224.0.0.1", "0.0.0.0"]) {
      expect(mayReach(address, { loopback: true, private: true })).toBe(false);
    }
  });

  it("is judged the same as IPv4 and as IPv4 in IPv6", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.boolean(), fc.boolean(), (address, loopback, inside) => {
        const reach = { loopback, private: inside };
        expect(mayReach(`::ffff:${address}`, reach)).toBe(mayReach(address, reach));
      }),
    );
  });

  it("comes from an answer that is public as a whole, IPv4 first", async () => {
    const mixed = resolver(["20.50.2.1", "10.0.0.1"]).resolve;
    await expect(resolveOutside(WEBHOOK, NOWHERE_ELSE, mixed)).rejects.toThrow(ForbiddenAddress);
    await expect(resolveOutside(WEBHOOK, NOWHERE_ELSE, resolver([]).resolve)).rejects.toThrow(
      ForbiddenAddress,
    );
    const good = resolver(["2603:1020::1", "20.50.2.1"]).resolve;
    expect((await resolveOutside(WEBHOOK, NOWHERE_ELSE, good)).map(({ address }) => address)).toEqual([
      "20.50.2.1",
      "2603:1020::1",
    ]);
  });
});

describe("a channel whose name leads inside", () => {
  let server: Server;
  let port = 0;
  let connections = 0;
  beforeAll(async () => {
    server = createServer((socket) => {
      connections += 1;
      socket.on("error", () => undefined).destroy();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    port = typeof address === "object" ? (address?.port ?? 0) : 0;
  });
  beforeEach(() => {
    connections = 0;
  });
  afterAll(() => new Promise((closed) => server.close(closed)));

  const webhook = (resolve: Resolve, allowLoopback: boolean) =>
    createTeamsChannel({ url: `https://${WEBHOOK}:${port}/w?sig=secret`, resolve, allowLoopback }).post({});
  const mail = (resolve: Resolve, allow: { allowLoopback?: boolean; allowPrivate?: boolean }) =>
    createMailChannel({
      server: `smtp://me:secret@mail.example.com:${port}`,
      from: "reflex@example.com",
      to: ["soc@example.com"],
      timeoutMs: 2_000,
      resolve,
      ...allow,
    }).post({ subject: "s", text: "t", html: "h" }, []);

  it("sends no webhook there, and would connect where it is allowed", async () => {
    const inside = resolver(["127.0.0.1"]);
    const refused = await failure(webhook(inside.resolve, false));

    expect(refused).toBeInstanceOf(Permanent);
    expect(refused).toMatchObject({ message: expect.stringContaining("private, local or reserved address") });
    expect(inspect(refused, { depth: 9 })).not.toContain("secret");
    expect(connections).toBe(0);

    expect(await failure(webhook(inside.resolve, true))).toMatchObject({ kind: "retryable" });
    expect(connections).toBeGreaterThan(0);
  });

  it("connects to the very address that was checked: nobody is asked a second time", async () => {
    const turning = resolver(["127.0.0.1"], ["10.0.0.1"]);
    await failure(webhook(turning.resolve, true));

    expect(turning.asked).toEqual([WEBHOOK]);
    expect(connections).toBe(1);
  });

  it("is caught by a name that turns inside after its first message", async () => {
    const turning = resolver(["127.0.0.1"], ["10.0.0.1"]);
    const channel = createTeamsChannel({
      url: `https://${WEBHOOK}:${port}/w?sig=secret`,
      resolve: turning.resolve,
      allowLoopback: true,
    });

    expect(await failure(channel.post({}))).toMatchObject({ kind: "retryable" });
    expect(await failure(channel.post({}))).toBeInstanceOf(Permanent);
    expect(connections).toBe(1);
  });

  it("sends no mail there, and would connect to the one checked address where it is allowed", async () => {
    const inside = resolver(["127.0.0.1"], ["10.0.0.1"]);
    const refused = await failure(mail(resolver(["127.0.0.1"]).resolve, {}));

    expect(refused).toBeInstanceOf(Permanent);
    expect(refused).toMatchObject({ advice: expect.stringContaining("REFLEX_ALLOW_PRIVATE_MAIL") });
    expect(inspect(refused, { depth: 9 })).not.toContain("secret");
    expect(await failure(mail(resolver(["127.0.0.1"]).resolve, { allowPrivate: true }))).toBeInstanceOf(
      Permanent,
    );
    expect(connections).toBe(0);

    expect(await failure(mail(inside.resolve, { allowLoopback: true }))).toMatchObject({ kind: "retryable" });
    expect(inside.asked).toEqual(["mail.example.com"]);
    expect(connections).toBe(1);
  });

  it("is tried again later where nobody answers for a mail server's name", async () => {
    const lost = await failure(mail(() => Promise.reject(new Error("ENOTFOUND")), {}));

    expect(lost).toMatchObject({ kind: "retryable", message: expect.stringContaining("EDNS") });
  });

  it("does not wait for ever for a name server", async () => {
    const silent = createMailChannel({
      server: "smtp://mail.example.com",
      from: "reflex@example.com",
      to: ["soc@example.com"],
      timeoutMs: 50,
      resolve: () => new Promise(() => undefined),
    });

    expect(await failure(silent.post({ subject: "s", text: "t", html: "h" }, []))).toMatchObject({
      kind: "retryable",
    });
  });
});
