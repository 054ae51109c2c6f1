import { createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MailStandIn, startMail } from "../../../local/mail/index.ts";
import { createMailChannel } from "../../../src/clients/mail/mail-channel.ts";
import { Permanent, Retryable } from "../../../src/model/errors.ts";
import { composeMail } from "../../../src/notify/compose-mail.ts";
import { messageOf } from "../../notify/messages.ts";

const MAIL = { subject: "Approval needed", text: "Please look.\n", html: "<p>Please look.</p>\n" };
const MARKS = [{ remediationId: "3-1-a", sequence: 2 }];
const FROM = "reflex@example.com";
const TO = ["soc@example.com"];

let sink: MailStandIn;
beforeAll(async () => {
  sink = await startMail({ login: { user: "reflex", password: "p@ss/word" } });
});
afterAll(() => sink.stop());

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

function channel(options: { to?: readonly string[]; password?: string; timeoutMs?: number } = {}) {
  const password = encodeURIComponent(options.password ?? "p@ss/word");
  const server = `smtp://reflex:${password}@${sink.host}:${sink.port}`;
  return createMailChannel({
    server,
    from: FROM,
    to: options.to ?? TO,
    timeoutMs: options.timeoutMs,
    allowLoopback: true,
  });
}

/** Value of a header of the last mail, or undefined. */
function header(name: string): string | undefined {
  return sink.messages.at(-1)?.headers.find(([key]) => key.toLowerCase() === name)?.[1];
}

/** Words of a header as RFC 2047 encodes them, read again. */
function decoded(value: string): string {
  return value.replace(/\?=\s+=\?/g, "?==?").replace(/=\?UTF-8\?([BQ])\?([^?]*)\?=/gi, (_all, how, text) => {
    const bytes =
      how.toUpperCase() === "B"
        ? Buffer.from(text, "base64")
        : Buffer.from(
            text
              .replaceAll("_", " ")
              .replace(/=(..)/g, (_hex: string, hex: string) =>
                String.fromCharCode(Number.parseInt(hex, 16)),
              ),
            "latin1",
          );
    return bytes.toString("utf8");
  });
}

/** Runs a test against a server of its own. */
async function withServer(options: SMTPServerOptions, test: (port: number) => Promise<void>): Promise<void> {
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    ...options,
  });
  server.on("error", () => undefined);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", () => listening()));
  const address = server.server.address();
  try {
    await test(typeof address === "object" ? (address?.port ?? 0) : 0);
  } finally {
    await new Promise<void>((closed) => server.close(() => closed()));
  }
}

describe("the channel to a mail server", () => {
  it("sends both forms to all recipients, after its login", async () => {
    await channel({ to: ["soc@example.com", "duty@example.com"] }).post(MAIL, MARKS);
    const mail = sink.messages.at(-1);

    expect(mail).toMatchObject({ user: "reflex", from: FROM, to: ["soc@example.com", "duty@example.com"] });
    expect(mail?.subject).toBe("Approval needed");
    expect(mail?.body).toMatch(/text\/plain.*Please look\..*text\/html.*<p>Please look\.<\/p>/s);
    expect(header("auto-submitted")).toBe("auto-generated");
  });

  it("marks repetitions with the same ids, and other messages with others", async () => {
    const ids: (readonly [string | undefined, string | undefined])[] = [];
    for (const marks of [
      MARKS,
      MARKS,
      [{ remediationId: "3-1-a", sequence: 3 }],
      [...MARKS, { remediationId: "b", sequence: 1 }],
    ]) {
      await channel().post(MAIL, marks);
      ids.push([header("message-id"), header("x-reflex-id")]);
    }

    expect(ids.map(([, mark]) => mark)).toEqual(["3-1-a/2", "3-1-a/2", "3-1-a/3", "3-1-a/2 b/1"]);
    expect(ids[0]?.[0]).toMatch(/^<[0-9a-f]{40}@example\.com>$/);
    expect(ids[1]).toEqual(ids[0]);
    expect(new Set(ids.map(([id]) => id)).size).toBe(3);
  });

  it("lets nobody write headers", async () => {
    const sly = "x\r\nBcc: evil@example.com\r\n\r\nbody";
    await channel().post({ ...MAIL, subject: sly }, [{ remediationId: sly, sequence: 1 }]);
    const names = sink.messages.at(-1)?.headers.map(([name]) => name.toLowerCase());

    expect(sink.messages.at(-1)?.to).toEqual(TO);
    expect(names).not.toContain("bcc");
    expect(names?.filter((name) => name === "subject")).toHaveLength(1);
    expect(sink.messages.at(-1)?.subject).toBe("x Bcc: evil@example.com body");
    expect(header("x-reflex-id")).toBe("x__Bcc__evil_example.com____body/1");
  });

  it("carries a composed mail with any alphabet", async () => {
    const mail = composeMail([messageOf("in-force", { signal: { title: "Добрый день 日本" } })], {});
    await channel().post(mail, MARKS);

    expect(decoded(sink.messages.at(-1)?.subject ?? "")).toBe(mail.subject);
    expect(mail.subject).toContain("Добрый день 日本");
  });

  it("gives up where the login is wrong, and shows no password", async () => {
    const error = await failure(channel({ password: "not-the-password" }).post(MAIL, MARKS));

    expect(error).toBeInstanceOf(Permanent);
    expect(error).toMatchObject({ advice: "Correct user and password in the setting of the mail server." });
    expect(inspect(error, { depth: 9 })).not.toContain("not-the-password");
  });

  it("gives up where every recipient is refused", async () => {
    sink.inject({ kind: "refuse", times: 1 });
    const error = await failure(channel().post(MAIL, MARKS));

    expect(error).toBeInstanceOf(Permanent);
    expect(error).toMatchObject({ message: expect.stringContaining("EENVELOPE 550") });
  });

  it("tells when one of several recipients is refused, though the others have got it", async () => {
    const before = sink.messages.length;
    sink.inject({ kind: "refuse", recipient: "gone@example.com", times: 1 });
    const error = await failure(channel({ to: ["gone@example.com", ...TO] }).post(MAIL, MARKS));

    expect(error).toBeInstanceOf(Permanent);
    expect(sink.messages.slice(before).map(({ to }) => to)).toEqual([TO]);
  });

  it.each(["greeting", "data"] as const)("tries again later where the line is cut at the %s", async (at) => {
    sink.inject({ kind: "close", at, times: 1 });

    expect(await failure(channel().post(MAIL, MARKS))).toBeInstanceOf(Retryable);
  });

  it.each(["greeting", "data"] as const)("does not wait for ever at the %s", async (at) => {
    sink.inject({ kind: "hang", at, times: 1 });

    expect(await failure(channel({ timeoutMs: 400 }).post(MAIL, MARKS))).toBeInstanceOf(Retryable);
  });

  it("does not wait for ever for a server that always has one more line", async () => {
    const sockets: Socket[] = [];
    const endless = createServer((socket) => {
      sockets.push(socket);
      socket.write("220 mail.example.com\r\n");
      const drip = setInterval(() => socket.write("250-one more\r\n"), 20);
      socket.on("close", () => clearInterval(drip)).on("error", () => undefined);
    });
    await new Promise<void>((listening) => endless.listen(0, "127.0.0.1", listening));
    const address = endless.address();
    const port = typeof address === "object" ? address?.port : 0;
    const server = `smtp://127.0.0.1:${port}`;
    const error = await failure(
      createMailChannel({ server, from: FROM, to: TO, timeoutMs: 300, allowLoopback: true }).post(
        MAIL,
        MARKS,
      ),
    );
    for (const socket of sockets) {
      socket.destroy();
    }
    await new Promise((closed) => endless.close(closed));

    expect(error).toMatchObject({ kind: "retryable", message: expect.stringContaining("EABORT") });
  });

  it("tries again later where nobody listens", async () => {
    let free = 0;
    await withServer({}, async (port) => {
      free = port;
    });
    const lost = createMailChannel({
      server: `smtp://127.0.0.1:${free}`,
      from: FROM,
      to: TO,
      allowLoopback: true,
    });

    expect(await failure(lost.post(MAIL, MARKS))).toBeInstanceOf(Retryable);
  });

  it.each([
    [451, "retryable"],
    [503, "retryable"],
    [452, "retryable"],
    [552, "permanent"],
    [554, "permanent"],
  ])("takes a reply %i to the data as %s", async (responseCode, kind) => {
    const reply = Object.assign(new Error("told so"), { responseCode });
    const options: SMTPServerOptions = {
      disabledCommands: ["STARTTLS"],
      onData(stream, _session, callback) {
        stream.on("end", () => callback(reply)).resume();
      },
    };
    await withServer(options, async (port) => {
      const post = createMailChannel({
        server: `smtp://127.0.0.1:${port}`,
        from: FROM,
        to: TO,
        allowLoopback: true,
      }).post(MAIL, MARKS);

      expect(await failure(post)).toMatchObject({
        kind,
        message: expect.stringContaining(`EMESSAGE ${responseCode}`),
      });
    });
  });

  // The address of this machine as IPv6 maps it is no loopback by name, so it stands for a server elsewhere.
  it("sends nothing to a server elsewhere that offers no STARTTLS", async () => {
    const commands: string[] = [];
    const options: SMTPServerOptions = {
      disabledCommands: ["STARTTLS"],
      onMailFrom(_address, _session, callback) {
        commands.push("MAIL");
        callback();
      },
    };
    await withServer(options, async (port) => {
      const server = `smtp://[::ffff:127.0.0.1]:${port}`;
      const error = await failure(
        createMailChannel({ server, from: FROM, to: TO, allowLoopback: true }).post(MAIL, MARKS),
      );

      expect(error).toBeInstanceOf(Permanent);
      expect(error).toMatchObject({ message: expect.stringContaining("ETLS") });
      expect(commands).toEqual([]);
    });
  });

  it("sends nothing to a server elsewhere whose certificate nobody vouches for", async () => {
    const commands: string[] = [];
    const options: SMTPServerOptions = {
      onMailFrom(_address, _session, callback) {
        commands.push("MAIL");
        callback();
      },
    };
    await withServer(options, async (port) => {
      const server = `smtp://[::ffff:127.0.0.1]:${port}`;
      const error = await failure(
        createMailChannel({ server, from: FROM, to: TO, allowLoopback: true }).post(MAIL, MARKS),
      );

      expect(error).toBeInstanceOf(Retryable);
      expect(error).toMatchObject({ message: expect.stringMatching(/ESOCKET [A-Z_]*CERT/) });
      expect(commands).toEqual([]);
    });
  });

  it.each([
    "soc@example.com\r\nBcc: evil@example.com",
    "Soc <soc@example.com>",
    "soc@example.com, evil@example.com",
    "soc",
    "",
  ])("refuses %j as an address from the start", (address) => {
    const server = "smtps://mail.example.com";

    expect(() => createMailChannel({ server, from: FROM, to: [address] })).toThrow(Permanent);
    expect(() => createMailChannel({ server, from: address, to: TO })).toThrow(Permanent);
  });
});
