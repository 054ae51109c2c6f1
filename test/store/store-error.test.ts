import { RestError } from "@azure/data-tables";
import { describe, expect, it } from "vitest";
import { toStoreError } from "../../src/store/store-error.ts";
import { RowConflict, StoreUnreachable } from "../../src/store/table.ts";

function answered(statusCode: number, code: string): RestError {
  return new RestError("1:said the service.\nRequestId:1", { statusCode, code });
}

describe("An error of the tables client", () => {
  it.each([
    [404, "ResourceNotFound"],
    [409, "EntityAlreadyExists"],
    [412, "UpdateConditionNotSatisfied"],
  ])("is a conflict about a row with %d %s", (status, code) => {
    const cause = answered(status, code);
    const meaning = toStoreError(cause, "transact");
    expect(meaning).toBeInstanceOf(RowConflict);
    expect(meaning).toMatchObject({ status, cause, message: "transact: 1:said the service." });
  });

  it("names its code in the parsed body, as single requests do", () => {
    const error = new RestError("no", { statusCode: 404 });
    error.details = { odataError: { code: "ResourceNotFound" } };
    expect(toStoreError(error, "get")).toMatchObject({ name: "RowConflict", status: 404 });
    error.details = { odataError: { code: "TableNotFound" } };
    expect(toStoreError(error, "get")).toBe(error);
  });

  it.each([
    [404, "TableNotFound"],
    [404, ""],
    [409, "TableBeingDeleted"],
    [400, "InvalidInput"],
    [401, "NoAuthenticationInformation"],
    [403, "AuthorizationFailure"],
    [413, "RequestBodyTooLarge"],
  ])("comes back as it is with %d %s", (status, code) => {
    const error = answered(status, code);
    expect(toStoreError(error, "transact")).toBe(error);
  });

  it.each([
    answered(500, "OperationTimedOut"),
    answered(503, "ServerBusy"),
    answered(429, "TooManyRequests"),
    answered(408, ""),
    answered(200, "PARSE_ERROR"),
    new RestError("socket hang up", { code: "ECONNRESET" }),
    new DOMException("The operation was aborted due to timeout", "TimeoutError"),
    Object.assign(new Error("The operation was aborted."), { name: "AbortError" }),
  ])("means that nobody answered: %s", (error) => {
    const meaning = toStoreError(error, "get");
    expect(meaning).toBeInstanceOf(StoreUnreachable);
    expect(meaning).toMatchObject({ cause: error });
  });

  it.each([new TypeError("a fault of ours"), "text", undefined])(
    "is nothing of the client's: %s",
    (error) => {
      expect(toStoreError(error, "range")).toBe(error);
    },
  );
});
