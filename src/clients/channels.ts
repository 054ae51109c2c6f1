import { Permanent } from "../model/errors.ts";
import type { ChannelPort, Message } from "../model/message.ts";
import type { Channel } from "../model/rule.ts";
import { createMailChannel, type Mail } from "./mail/mail-channel.ts";
import { createTeamsChannel, type TeamsChannelOptions } from "./teams/teams-channel.ts";

/** How messages are put into words for each sink. */
export interface Composers {
  card(messages: readonly Message[]): object;
  mail(messages: readonly Message[]): Mail;
}

/** What holds for every channel. */
export interface ChannelsOptions extends Omit<TeamsChannelOptions, "url"> {
  /** Lets mail servers be at private addresses. */
  readonly allowPrivateMail?: boolean | undefined;
}

type Send = (messages: readonly Message[]) => Promise<void>;

/**
 * Makes the port that sends to the configured channels. Addresses are read from settings here and now: raises
 * `Permanent` where a setting is missing or bad, so that the app does not start rather than stay silent later.
 */
export function createChannels(
  channels: readonly Channel[],
  settings: (name: string) => string | undefined,
  compose: Composers,
  options: ChannelsOptions = {},
): ChannelPort {
  const missing = channels.filter((channel) => !settings(settingOf(channel)));
  if (missing.length > 0) {
    const names = missing.map((channel) => `${settingOf(channel)} (channel ${channel.name})`);
    throw new Permanent(
      `Settings of notification channels are missing: ${names.join(", ")}.`,
      "Add them to the app's settings, or take the channels out of the configuration.",
    );
  }
  const senders = new Map<string, Send>(
    channels.map((channel) => [
      channel.name,
      senderTo(channel, settings(settingOf(channel)) ?? "", compose, options),
    ]),
  );

  return {
    async send(name, messages) {
      const send = senders.get(name);
      if (send === undefined) {
        throw new Permanent(
          `There is no channel ${JSON.stringify(name.slice(0, 100))}.`,
          "Add the channel to the configuration, or take it out of the rules.",
        );
      }
      if (messages.length > 0) {
        await send(messages);
      }
    },
  };
}

function senderTo(channel: Channel, address: string, compose: Composers, options: ChannelsOptions): Send {
  switch (channel.kind) {
    case "teams": {
      const teams = createTeamsChannel({ ...options, url: address });
      return (messages) => teams.post(compose.card(messages));
    }
    case "mail": {
      const { from, to } = channel;
      const { timeoutMs, allowLoopback, allowPrivateMail: allowPrivate, resolve } = options;
      const mail = createMailChannel({
        server: address,
        from,
        to,
        timeoutMs,
        allowLoopback,
        allowPrivate,
        resolve,
      });
      return (messages) => mail.post(compose.mail(messages), messages);
    }
  }
}

function settingOf(channel: Channel): string {
  return channel.kind === "teams" ? channel.urlSetting : channel.serverSetting;
}
