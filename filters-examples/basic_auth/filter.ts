// filters-examples/basic_auth/filter.ts: HTTP basic authentication (RFC 7617).
export * from "nuncio/sdk/entry/http";
import {
  base64Decode,
  Config,
  Counter,
  equalsInConstantTime,
  HeadersStatus,
  HttpFilterOf,
  Json,
  LocalResponse,
  registerHttpFilterWithRoot,
  RequestHeaders,
  RootContext,
  startsWithIgnoreCase,
} from "nuncio/sdk";

/** The plugin: who may enter. */
class BasicAuthRoot extends RootContext {
  realm: string = "";
  users: Map<string, string> = new Map<string, string>();
  openPaths: string[] = [];
  readonly allowed: Counter = new Counter("basic_auth.allowed");
  readonly denied: Counter = new Counter("basic_auth.denied");

  onConfigure(config: Config): bool {
    const json = config.json();
    if (json === null) return this.refuse("basic_auth: " + Json.error);
    json.onlyKeys(["realm", "users", "open_paths"]);
    this.realm = json.get("realm").string("restricted");
    this.openPaths = json.get("open_paths").strings();
    const users = json.get("users");
    for (let i = 0; i < users.length; ++i) this.users.set(users.keyAt(i), users.at(i).string());
    if (Json.error.length != 0) return this.refuse("basic_auth: " + Json.error);
    if (this.realm.includes('"')) return this.refuse("basic_auth: realm: must not contain a double quote");
    if (this.users.size == 0) return this.refuse("basic_auth: users: at least one user is needed");
    return true;
  }

  /** Whether a path needs no password: it is one of `open_paths`, or below one that ends in a slash. */
  isOpen(path: string): bool {
    const query = path.indexOf("?");
    const plain = query >= 0 ? path.substring(0, query) : path;
    for (let i = 0; i < this.openPaths.length; ++i) {
      const open = this.openPaths[i];
      if (plain == open || (open.endsWith("/") && plain.startsWith(open))) return true;
    }
    return false;
  }

  /** The user that an `authorization` header belongs to; null when it does not fit. */
  authenticate(authorization: string): string | null {
    if (!startsWithIgnoreCase(authorization, "basic ")) return null;
    const bytes = base64Decode(authorization.substring(6).trim());
    if (bytes === null) return null;
    const credentials = String.UTF8.decode(bytes);
    const colon = credentials.indexOf(":");
    if (colon < 0) return null;
    const user = credentials.substring(0, colon);
    const password = credentials.substring(colon + 1);
    if (!this.users.has(user)) return null;
    return equalsInConstantTime(password, this.users.get(user)) ? user : null;
  }
}

/** One per request. */
class BasicAuth extends HttpFilterOf<BasicAuthRoot> {
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    headers.remove("x-user"); // Only this filter says who the user is.
    if (this.root.isOpen(headers.path)) return HeadersStatus.Continue;
    const user = this.root.authenticate(headers.getOr("authorization", ""));
    if (user === null) {
      this.root.denied.add();
      return this.reply(
        new LocalResponse(401, "basic_auth_denied")
          .header("www-authenticate", 'Basic realm="' + this.root.realm + '", charset="UTF-8"')
          .text("user name and password, please\n"),
      );
    }
    this.root.allowed.add();
    headers.set("x-user", user);
    headers.remove("authorization"); // The upstream need not see the password.
    return HeadersStatus.Continue;
  }
}

registerHttpFilterWithRoot<BasicAuth, BasicAuthRoot>("basic_auth");
