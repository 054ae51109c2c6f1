import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MailStandIn, startMail } from "../../local/mail/index.ts";
import { startTeams, type TeamsStandIn } from "../../local/teams/index.ts";
import { createChannels } from "../../src/clients/channels.ts";
import { Permanent } from "../../src/model/errors.ts";
import type { Message } from "../../src/model/message.ts";
import type { Channel } from "../../src/model/rule.ts";
import { composeCard } from "../../src/notify/compose-card.ts";
import { composeMail } from "../../src/notify/compose-mail.ts";
import { ID, messageOf } from "../notify/messages.ts";

const CHANNELS: readonly Channel[] = [
  { name: "soc", kind: "teams", urlSetting: "SOC_WEBHOOK" },
  {
    name: "duty",
    kind: "mail",
    serverSetting: "MAIL_SERVER",
    from: "reflex@example.com",
    to: ["duty@example.com"],
  },
];
const COMPOSE = {
  card: (messages: readonly Message[]) => composeCard(messages, {}),
  mail: (messages: readonly Message[]) => composeMail(messages, {}),
};

let teams: TeamsStandIn;
let mail: MailStandIn;
beforeAll(async () => {
  [teams, mail] = await Promise.all([startTeams(), startMail()]);
});
afterAll(() => Promise.all([teams.stop(), mail.stop()]));

function channels() {
  const settings = new Map([
    ["SOC_WEBHOOK", teams.webhookUrl],
    ["MAIL_SERVER", `smtp://${mail.host}:${mail.port}`],
  ]);
  return createChannels(CHANNELS, (name) => settings.get(name), COMPOSE, { allowLoopback: true });
}

describe("the channels of a configuration", () => {
  it("send a card to the Teams channel and a mail to the mail channel", async () => {
    const messages = [messageOf("in-force", {}, 1), messageOf("failed", {}, 2)];
    const port = channels();
    await port.send("soc", messages);
    await port.send("duty", messages);

    expect(teams.messages.map(({ card }) => card)).toEqual([
      composeCard(messages, {}).attachments[0].content,
    ]);
    expect(teams.refused).toEqual([]);
    expect(mail.messages.map(({ subject, to }) => [subject, to])).toEqual([
      ["defender-reflex: 2 messages: 1 failed, 1 in force", ["duty@example.com"]],
    ]);
    const mark = mail.messages[0]?.headers.find(([name]) => name.toLowerCase() === "x-reflex-id");
    expect(mark?.[1]).toBe(`${ID}/1 ${ID}/2`);
  });

  it("send nothing where there is nothing to tell", async () => {
    const before = [teams.requestCount, mail.messages.length];
    await channels().send("soc", []);
    await channels().send("duty", []);

    expect([teams.requestCount, mail.messages.length]).toEqual(before);
  });

  it("name every missing setting from the start", () => {
    const create = () =>
      createChannels(CHANNELS, (name) => (name === "MAIL_SERVER" ? "" : undefined), COMPOSE);

    expect(create).toThrow(Permanent);
    expect(create).toThrow("SOC_WEBHOOK (channel soc), MAIL_SERVER (channel duty)");
  });

  it("refuse an address that is not one of Teams from the start", () => {
    const settings = (name: string) =>
      name === "MAIL_SERVER" ? "smtps://mail.example.com" : teams.webhookUrl;

    expect(() => createChannels(CHANNELS, settings, COMPOSE)).toThrow(Permanent);
  });

  it("refuse a channel that nobody configured", async () => {
    await expect(channels().send("nobody", [messageOf("notice")])).rejects.toThrow(
      'There is no channel "nobody".',
    );
  });
});
