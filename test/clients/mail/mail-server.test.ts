import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { mailServer } from "../../../src/clients/mail/mail-server.ts";
import { Permanent } from "../../../src/model/errors.ts";

describe("mailServer", () => {
  it.each([
    ["smtp://mail.example.com", { host: "mail.example.com", port: 587, secure: false, requireTLS: true }],
    ["smtps://mail.example.com/", { host: "mail.example.com", port: 465, secure: true, requireTLS: false }],
    ["smtp://127.0.0.1:2525", { host: "127.0.0.1", port: 2525, secure: false, requireTLS: false }],
    ["smtp://[::1]:25", { host: "::1", port: 25, secure: false, requireTLS: false }],
    [
      "smtp://a%40b:p%2Fw%25@mail.example.com:25",
      {
        host: "mail.example.com",
        port: 25,
        secure: false,
        requireTLS: true,
        auth: { user: "a@b", pass: "p/w%" },
      },
    ],
  ])("reads %s", (address, expected) => {
    expect(mailServer(address)).toEqual(expected);
  });

  it.each([
    "mail.example.com:587",
    "https://me:secret@mail.example.com",
    "smtp://",
    "smtp://me:secret@mail.example.com/path",
    "smtp://me:secret@mail.example.com?tls.rejectUnauthorized=false",
    "smtp://me:secret@mail.example.com#x",
    "smtp://me:secret%zz@mail.example.com",
  ])("refuses %s without showing a password", (address) => {
    let caught: unknown;
    try {
      mailServer(address);
    } catch (error) {
      caught = error;
    }

    expect(caught).toBeInstanceOf(Permanent);
    expect(inspect(caught)).not.toContain("secret");
  });
});
