import nodemailer from "nodemailer";
import { describe, expect, it, onTestFinished } from "vitest";
import { type MailOptions, startMail } from "../../../local/mail/index.ts";

async function start(options: MailOptions = {}) {
  const mail = await startMail(options);
  onTestFinished(() => mail.stop());
  const send = async (message: object = {}, login?: { user: string; pass: string }, patience = 20_000) => {
    const transport = nodemailer.createTransport({
      host: mail.host,
      port: mail.port,
      secure: false,
      greetingTimeout: patience,
      socketTimeout: patience,
      ...(login === undefined ? {} : { auth: login }),
    });
    try {
      return await transport.sendMail({
        from: "reflex@example.com",
        to: ["one@example.com", "two@example.com"],
        subject: "A pod was isolated",
        text: "first line\nsecond line\n",
        ...message,
      });
    } finally {
      transport.close();
    }
  };
  return { mail, send };
}

describe("the SMTP sink", () => {
  it("keeps the message as it came, with its envelope, and shows it over HTTP", async () => {
    const { mail, send } = await start();
    await send({ bcc: "hidden@example.com" });
    const [message] = mail.messages;
    expect(message).toMatchObject({
      from: "reflex@example.com",
      to: ["one@example.com", "two@example.com", "hidden@example.com"],
      subject: "A pod was isolated",
      user: undefined,
    });
    expect(message?.body).toContain("first line\r\nsecond line");
    expect(message?.raw.toString()).toMatch(/^From: reflex@example\.com\r\n/);
    expect(message?.headers.map(([name]) => name.toLowerCase())).not.toContain("bcc");
    const shown: unknown = await (await fetch(`${mail.url}/_stand-in/messages`)).json();
    expect(shown).toMatchObject({
      messages: [{ subject: "A pod was isolated", raw: message?.raw.toString() }],
    });
    expect((await fetch(`${mail.url}/else`)).status).toBe(404);
  });

  it("joins continued header lines and leaves encoded ones as they are", async () => {
    const { mail, send } = await start();
    const subject = "Prüfung ".repeat(20);
    await send({ subject });
    expect(mail.messages[0]?.subject).toMatch(/^=\?UTF-8\?[QB]\?.*\?=$/);
    expect(mail.messages[0]?.raw.toString()).toMatch(/\r\n =\?UTF-8/);
  });

  it("notes who logged in, and takes only the login it demands", async () => {
    const open = await start();
    await open.send({}, { user: "anyone", pass: "anything" });
    expect(open.mail.messages[0]?.user).toBe("anyone");
    const { mail, send } = await start({ login: { user: "reflex", password: "right" } });
    await expect(send()).rejects.toMatchObject({ responseCode: 530 });
    await expect(send({}, { user: "reflex", pass: "wrong" })).rejects.toMatchObject({ responseCode: 535 });
    await send({}, { user: "reflex", pass: "right" });
    expect(mail.messages.map((message) => message.user)).toEqual(["reflex"]);
  });

  it("refuses the recipient it was told with 550 and takes the others", async () => {
    const { mail, send } = await start();
    mail.inject({ kind: "refuse", recipient: "two@example.com", times: 1 });
    expect(await send()).toMatchObject({ rejected: ["two@example.com"] });
    expect(mail.messages[0]?.to).toEqual(["one@example.com"]);
    mail.inject({ kind: "refuse", times: 2 });
    await expect(send()).rejects.toMatchObject({ code: "EENVELOPE", responseCode: 550 });
    await send();
    expect(mail.messages.map((message) => message.to.length)).toEqual([1, 2]);
  });

  it.each([
    ["hang", "greeting", 0],
    ["close", "greeting", 0],
    ["hang", "data", 1],
    ["close", "data", 1],
  ] as const)("can %s at the %s, keeping %i messages, and works again afterwards", async (kind, at, kept) => {
    const { mail, send } = await start();
    mail.inject({ kind, at, times: 1 });
    await expect(send({}, undefined, 300)).rejects.toThrow();
    expect(mail.messages).toHaveLength(kept);
    await send();
    expect(mail.messages).toHaveLength(kept + 1);
  });

  it("stops while a client is still connected", async () => {
    const { mail, send } = await start();
    mail.inject({ kind: "hang", at: "data", times: 1 });
    const sending = send().catch((error: unknown) => error);
    await expect.poll(() => mail.messages.length).toBe(1);
    await mail.stop();
    expect(await sending).toBeInstanceOf(Error);
  });
});
