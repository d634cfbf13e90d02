// host/cli/command_line_options.ts: the flags as envoy.admin.v3.CommandLineOptions, for /server_info.
/**
 * @see Envoy: source/server/options_impl_base.cc, OptionsImplBase::toCommandLineOptions
 * @module
 */
import type { ParsedFlags } from "./flags.ts";

type Flags = ParsedFlags["values"];

/** Every field of the message, in its order of printing. */
export function commandLineOptions(flags: Flags, concurrency: number): { readonly [name: string]: OptionValue } {
  const text = (name: string, fallback = ""): string => flags.get(name)?.at(-1) ?? fallback;
  const number = (name: string, fallback: number): number => Number(text(name, String(fallback)));
  const given = (name: string): boolean => flags.has(name);
  return {
    base_id: text("base-id", "0"),
    concurrency,
    config_path: text("config-path"),
    config_yaml: text("config-yaml"),
    allow_unknown_static_fields: given("allow-unknown-static-fields") || given("allow-unknown-fields"),
    admin_address_path: text("admin-address-path"),
    local_address_ip_version: text("local-address-ip-version", "v4"),
    log_level: text("log-level", "info"),
    component_log_level: text("component-log-level"),
    log_format: text("log-format"),
    log_path: text("log-path"),
    service_cluster: text("service-cluster"),
    service_node: text("service-node"),
    service_zone: text("service-zone"),
    file_flush_interval: `${number("file-flush-interval-msec", 10_000) / 1000}s`,
    drain_time: `${number("drain-time-s", 600)}s`,
    parent_shutdown_time: `${number("parent-shutdown-time-s", 900)}s`,
    mode: MODES[text("mode", "serve")] ?? "Serve",
    // There is nothing to hand over to: hot restart is off whatever the flag says.
    disable_hot_restart: true,
    enable_mutex_tracing: given("enable-mutex-tracing"),
    restart_epoch: number("restart-epoch", 0),
    cpuset_threads: given("cpuset-threads"),
    reject_unknown_dynamic_fields: given("reject-unknown-dynamic-fields"),
    log_format_escaped: given("log-format-escaped"),
    disabled_extensions: text("disable-extensions").split(",").filter((name) => name !== ""),
    ignore_unknown_dynamic_fields: given("ignore-unknown-dynamic-fields"),
    use_dynamic_base_id: given("use-dynamic-base-id"),
    base_id_path: text("base-id-path"),
    drain_strategy: text("drain-strategy") === "immediate" ? "Immediate" : "Gradual",
    enable_fine_grain_logging: given("enable-fine-grain-logging"),
    socket_path: text("socket-path", "@envoy_domain_socket"),
    socket_mode: number("socket-mode", 0),
    enable_core_dump: given("enable-core-dump"),
    stats_tag: flags.get("stats-tag") ?? [],
    skip_hot_restart_on_no_parent: given("skip-hot-restart-on-no-parent"),
    skip_hot_restart_parent_stats: given("skip-hot-restart-parent-stats"),
    skip_deprecated_logs: given("skip-deprecated-logs"),
    file_flush_min_size: number("file-flush-min-size-kb", 64),
    log_stacktrace_single_entry: given("log-stacktrace-single-entry"),
  };
}

type OptionValue = string | number | boolean | readonly string[];

const MODES: Readonly<Record<string, string>> = { serve: "Serve", validate: "Validate", init_only: "InitOnly" };
