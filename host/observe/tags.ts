// host/observe/tags.ts: the parts of a stat's name that are labels.
// pure: no I/O, no clock, no runtime globals
/**
 * A rule is a pattern over the dot-separated words of a name: a word stands for itself, `*` is one word,
 * `$` the word that is the tag's value, `**` at the end whatever follows. Rules that need to look inside a
 * word are expressions, of which group 1 is what leaves the name and group 2 the value. All rules look at
 * the whole name; what they found is cut out together, so their order only decides the order of labels.
 *
 * @see Envoy: source/common/config/well_known_names.cc, source/common/stats/tag_extractor_impl.cc
 * @module
 */

export interface Tag {
  readonly name: string;
  readonly value: string;
}

export interface TaggedName {
  /** The name without its tags. */
  readonly name: string;
  readonly tags: readonly Tag[];
}

interface Rule {
  readonly tag: string;
  readonly pattern: RegExp;
  /** A value that is no tag after all. */
  readonly except: string | undefined;
}

const WORD = "[^.]+";

/** A pattern over words as an expression. */
function words(tag: string, pattern: string): Rule {
  let source = "^";
  const list = pattern.split(".");
  list.forEach((word, i) => {
    const dot = i === list.length - 1 ? "" : "\\.";
    if (word === "$") source += `((${WORD})${dot})`;
    else if (word === "**") source += ".+$";
    else source += (word === "*" ? WORD : word.replace(/\*/g, "[^.]*")) + dot;
  });
  return expression(tag, new RegExp(source));
}

function expression(tag: string, pattern: RegExp, except?: string): Rule {
  // With positions: the same text may stand elsewhere in the name.
  return { tag, pattern: new RegExp(pattern, "d"), except };
}

/** An address as it stands in names: `127.0.0.1_80`, `[__1]_80`. */
const ADDRESS = "(?:\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}|\\[[a-fA-F_\\d]+\\])_\\d+";

/** Envoy's tags of what nuncio counts, from the most specific to the least. */
const RULES: readonly Rule[] = [
  expression("envoy.response_code", /_rq(_(\d{3}))$/),
  expression("envoy.response_code_class", /_rq_((\d))xx$/),
  words("envoy.grpc_bridge_method", "cluster.*.grpc.*.$.**"),
  words("envoy.http_user_agent", "http.*.user_agent.$.**"),
  words("envoy.virtual_cluster", "vhost.*.vcluster.$.**"),
  words("envoy.fault_downstream_cluster", "http.*.fault.$.**"),
  expression("envoy.ssl_cipher", /^listener\..*?\.ssl\.ciphers(\.([\w-]+))$/),
  expression("envoy.ssl_curve", /^(?:listener|cluster)\..*?\.ssl\.curves(\.([\w-]+))$/),
  expression("envoy.ssl_sigalg", /^(?:listener|cluster)\..*?\.ssl\.sigalgs(\.([\w-]+))$/),
  expression("envoy.ssl_version", /^(?:listener|cluster)\..*?\.ssl\.versions(\.(TLSv\d\.\d))$/),
  expression("cipher_suite", /^cluster\.[^.]+\.ssl\.ciphers(\.([\w-]+))$/),
  words("envoy.grpc_bridge_service", "cluster.*.grpc.$.**"),
  words("envoy.tcp_prefix", "tcp.$.**"),
  words("envoy.udp_prefix", "udp.$.**"),
  words("envoy.clientssl_prefix", "auth.clientssl.$.**"),
  words("envoy.ratelimit_prefix", "ratelimit.$.**"),
  words("envoy.cluster_name", "cluster.$.**"),
  expression("envoy.http_conn_manager_prefix", /^listener\..*?\.http\.(([^.]+)\.)/),
  words("envoy.ext_authz_prefix", "cluster.*.ext_authz.$.**"),
  words("envoy.ext_authz_prefix", "http.*.ext_authz.$.**"),
  words("envoy.http_conn_manager_prefix", "http.$.**"),
  expression(
    "envoy.worker_id",
    new RegExp(
      `^(?:listener\\.(?:${ADDRESS}|${WORD})\\.|server\\.|listener_manager\\.|thread_local_cluster_manager\\.)worker_((\\d+)\\.)`,
    ),
  ),
  expression("envoy.listener_address", new RegExp(`^listener\\.((${ADDRESS}|${WORD})\\.)`), "admin"),
  words("envoy.virtual_host", "vhost.$.**"),
  expression("envoy.rds_route_config", /^http\.[^.]+\.rds\.(([\w\-.]+)\.)\w+$/),
  words("envoy.route", "vhost.*.route.$.**"),
  words("envoy.redis_prefix", "redis.$.**"),
  words("envoy.local_http_ratelimit_prefix", "$.http_local_rate_limit.**"),
  words("envoy.local_network_ratelimit_prefix", "local_rate_limit.$.**"),
  words("envoy.local_listener_ratelimit_prefix", "listener_local_ratelimit.$.**"),
  words("envoy.dns_filter_prefix", "dns_filter.$.**"),
];

/** Tags that every stat has (`--stats-tag name:value`, `stats_config.stats_tags`), and the well-known ones. */
export class TagExtractor {
  readonly #fixed: readonly Tag[];
  readonly #known = new Map<string, TaggedName>();

  constructor(fixed: readonly Tag[] = []) {
    this.#fixed = fixed;
  }

  /** Cuts the tags out of a name. Answers are kept: names are few and asked for again and again. */
  extract(name: string): TaggedName {
    let tagged = this.#known.get(name);
    if (tagged === undefined) this.#known.set(name, tagged = this.#cut(name));
    return tagged;
  }

  /** A name of which the tags are known. */
  complete({ name, tags }: TaggedName): TaggedName {
    return { name, tags: [...this.#fixed, ...tags] };
  }

  #cut(name: string): TaggedName {
    const tags: Tag[] = [];
    const cuts: [number, number][] = [];
    for (const rule of RULES) {
      if (tags.some((tag) => tag.name === rule.tag)) continue;
      const match = rule.pattern.exec(name);
      if (match === null || match[2] === rule.except) continue;
      cuts.push(match.indices![1]!);
      tags.push({ name: rule.tag, value: match[2]! });
    }
    cuts.sort((a, b) => b[0] - a[0]);
    let rest = name;
    for (const [start, end] of cuts) rest = rest.slice(0, start) + rest.slice(end);
    return { name: rest.replace(/\.$/, ""), tags: [...tags, ...this.#fixed] };
  }
}
