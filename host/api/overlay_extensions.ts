// host/api/overlay_extensions.ts: fields of envoy.extensions that are newer than Envoy 1.31.
/**
 * The table form is explained in `overlay.ts`. A test compares what the published set of a newer Envoy
 * says about each of these fields, when that set is at hand.
 *
 * @module
 */

export const OVERLAY_EXTENSIONS: string = `
file envoy/extensions/access_loggers/filters/cel/v3/cel.proto envoy.extensions.access_loggers.filters.cel.v3
  message ExpressionFilter
    envoy.config.core.v3.CelExpressionConfig cel_config = 2
file envoy/extensions/access_loggers/open_telemetry/v3/logs_service.proto envoy.extensions.access_loggers.open_telemetry.v3
  message OpenTelemetryAccessLogConfig
    envoy.config.core.v3.HttpService http_service = 8
    envoy.config.core.v3.GrpcService grpc_service = 9
    repeated envoy.config.core.v3.TypedExtensionConfig resource_detectors = 15
    string log_name = 10
    google.protobuf.Duration buffer_flush_interval = 11
    google.protobuf.UInt32Value buffer_size_bytes = 12
    repeated string filter_state_objects_to_log = 13
    repeated envoy.type.tracing.v3.CustomTag custom_tags = 14
file envoy/extensions/clusters/common/dns/v3/dns.proto envoy.extensions.clusters.common.dns.v3
  enum DnsLookupFamily UNSPECIFIED=0 AUTO=1 V4_ONLY=2 V6_ONLY=3 V4_PREFERRED=4 ALL=5
file envoy/extensions/clusters/composite/v3/cluster.proto envoy.extensions.clusters.composite.v3
  message ClusterConfig
    repeated ClusterConfig.ClusterEntry clusters = 1 {"repeated":{"min_items":"1"}}
  message ClusterConfig.ClusterEntry
    string name = 1 {"string":{"min_len":"1"}}
file envoy/extensions/clusters/dns/v3/dns_cluster.proto envoy.extensions.clusters.dns.v3
  message DnsCluster
    google.protobuf.Duration dns_refresh_rate = 3 {"duration":{"gt":"0.001s"}}
    DnsCluster.RefreshRate dns_failure_refresh_rate = 4
    bool respect_dns_ttl = 5
    google.protobuf.Duration dns_jitter = 6 {"duration":{"gte":"0s"}}
    envoy.config.core.v3.TypedExtensionConfig typed_dns_resolver_config = 7
    envoy.extensions.clusters.common.dns.v3.DnsLookupFamily dns_lookup_family = 8
    bool all_addresses_in_single_endpoint = 9
    google.protobuf.Duration dns_min_refresh_rate = 10 {"duration":{"gte":"1s"}}
  message DnsCluster.RefreshRate
    google.protobuf.Duration base_interval = 1 {"duration":{"required":true,"gt":"0.001s"}}
    google.protobuf.Duration max_interval = 2 {"duration":{"gt":"0.001s"}}
file envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.proto envoy.extensions.clusters.dynamic_forward_proxy.v3
  message SubClustersConfig
    envoy.extensions.clusters.dns.v3.DnsCluster dns_cluster_config = 5
file envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.proto envoy.extensions.common.dynamic_forward_proxy.v3
  message DnsCacheConfig
    replace google.protobuf.Duration dns_query_timeout = 11 {"duration":{"gte":"0s"}}
    bool disable_dns_refresh_on_failure = 15
    envoy.type.matcher.v3.AddressMatcher resolved_address_filter = 16
file envoy/extensions/common/ratelimit/v3/ratelimit.proto envoy.extensions.common.ratelimit.v3
  message RateLimitDescriptor
    google.protobuf.UInt64Value hits_addend = 3
    bool is_negative_hits = 4
  message RateLimitDescriptor.RateLimitOverride
    google.protobuf.UInt32Value unit_multiplier = 3 {"uint32":{"gt":0}}
  message LocalRateLimitDescriptor
    bool shadow_mode = 3
file envoy/extensions/filters/common/jwks/v3/jwks.proto envoy.extensions.filters.common.jwks.v3
  message RemoteJwks
    envoy.config.core.v3.HttpUri http_uri = 1 {"message":{"required":true}}
    google.protobuf.Duration cache_duration = 2 {"duration":{"lt":"9000000000s","gte":"0.001s"}}
    JwksAsyncFetch async_fetch = 3
    envoy.config.core.v3.RetryPolicy retry_policy = 4
  message JwksAsyncFetch
    bool fast_listener = 1
    google.protobuf.Duration failed_refetch_duration = 2
file envoy/extensions/filters/common/jwks/v3/jwt_handshake.proto envoy.extensions.filters.common.jwks.v3
  message JwtHandshakeValidator
    string issuer = 1 {"string":{"min_len":"1","max_len":"1024"}}
    repeated string audiences = 2
    jwks_source_specifier: envoy.config.core.v3.DataSource local_jwks = 3
    jwks_source_specifier: RemoteJwks remote_jwks = 8
    string token_header = 4 {"string":{"max_len":"255","ignore_empty":true}}
    string claims_metadata_namespace = 5 {"string":{"max_len":"255","ignore_empty":true}}
    bool allow_missing_or_failed = 6
    uint32 clock_skew_seconds = 7
file envoy/extensions/filters/http/basic_auth/v3/basic_auth.proto envoy.extensions.filters.http.basic_auth.v3
  message BasicAuth
    string authentication_header = 3 {"string":{"well_known_regex":"HTTP_HEADER_NAME","strict":false}}
    bool allow_missing = 4
    bool emit_dynamic_metadata = 5
    string realm = 6 {"string":{"pattern":"^[^\\\\x00-\\\\x1f\\\\x7f]*$"}}
  message BasicAuthPerRoute
    string realm = 2 {"string":{"pattern":"^[^\\\\x00-\\\\x1f\\\\x7f]*$"}}
file envoy/extensions/filters/http/compressor/v3/compressor.proto envoy.extensions.filters.http.compressor.v3
  message Compressor.CommonDirectionConfig
    repeated envoy.type.matcher.v3.StringMatcher content_type_matcher = 4
  message Compressor.ResponseDirectionConfig
    bool weaken_etag_on_compress = 6
    repeated uint32 uncompressible_response_codes = 4 {"repeated":{"unique":true,"items":{"uint32":{"lt":600,"gte":200}}}}
    bool status_header_enabled = 5
  message CompressorOverrides
    envoy.config.core.v3.TypedExtensionConfig compressor_library = 2
file envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.proto envoy.extensions.filters.http.dynamic_forward_proxy.v3
  message FilterConfig
    bool allow_dynamic_host_from_filter_state = 4
file envoy/extensions/filters/http/ext_authz/v3/ext_authz.proto envoy.extensions.filters.http.ext_authz.v3
  message ExtAuthz
    repeated string clear_route_cache_headers = 34 {"repeated":{"items":{"string":{"min_len":"1","well_known_regex":"HTTP_HEADER_NAME","strict":false}}}}
    google.protobuf.Struct filter_metadata = 28
    bool emit_filter_state_stats = 29
    uint32 max_denied_response_body_bytes = 30
    bool enforce_response_header_limits = 31
    bool shadow_mode = 32
    google.protobuf.BoolValue emit_client_span = 33
  message ShadowDecision
    ShadowDecision.CheckResult check_result = 1
    uint32 status_code = 2 {"uint32":{"lte":599,"gte":100,"ignore_empty":true}}
    repeated envoy.config.core.v3.HeaderValue response_headers = 3
  enum ShadowDecision.CheckResult UNSPECIFIED=0 OK=1 DENIED=2 ERROR=3
  message HttpService
    string path_override = 10
    envoy.config.core.v3.RetryPolicy retry_policy = 9
  message CheckSettings
    service_override: envoy.config.core.v3.GrpcService grpc_service = 4
    service_override: HttpService http_service = 5
    google.protobuf.BoolValue emit_client_span = 6
file envoy/extensions/filters/http/fault/v3/fault.proto envoy.extensions.filters.http.fault.v3
  message FaultAbort
    string response_body = 6
file envoy/extensions/filters/http/header_mutation/v3/header_mutation.proto envoy.extensions.filters.http.header_mutation.v3
  message Mutations
    repeated envoy.config.core.v3.KeyValueMutation query_parameter_mutations = 3
    repeated envoy.config.common.mutation_rules.v3.HeaderMutation response_trailers_mutations = 4
    repeated envoy.config.common.mutation_rules.v3.HeaderMutation request_trailers_mutations = 5
    repeated envoy.config.core.v3.TypedExtensionConfig formatters = 6
file envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata.proto envoy.extensions.filters.http.header_to_metadata.v3
  message Config
    string stat_prefix = 3
file envoy/extensions/filters/http/jwt_authn/v3/config.proto envoy.extensions.filters.http.jwt_authn.v3
  message JwtCacheConfig
    uint32 jwt_max_token_size = 2
  message JwtRequirement
    requires_type: ExtractOnlyWithoutValidation extract_only_without_validation = 7
  message ExtractOnlyWithoutValidation
    string verification_status_header = 1
  message JwtAuthentication
    string stat_prefix = 7
  message JwtClaimToHeader
    repeated JwtClaimToHeader.PathSegment claim_path = 3
  message JwtClaimToHeader.PathSegment
    string key = 1 {"string":{"min_len":"1"}}
file envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto envoy.extensions.filters.http.local_ratelimit.v3
  message LocalRateLimit
    repeated envoy.config.route.v3.RateLimit rate_limits = 17
    google.protobuf.UInt32Value max_dynamic_descriptors = 18 {"uint32":{"gte":1}}
    bool enable_retry_after_header = 19
file envoy/extensions/filters/http/ratelimit/v3/rate_limit.proto envoy.extensions.filters.http.ratelimit.v3
  message RateLimitPerRoute
    replace repeated envoy.config.route.v3.RateLimit rate_limits = 3
  message RateLimit
    envoy.config.core.v3.RuntimeFractionalPercent filter_enabled = 14
    envoy.config.core.v3.RuntimeFractionalPercent filter_enforced = 15
    envoy.config.core.v3.RuntimeFractionalPercent failure_mode_deny_percent = 16
    repeated envoy.config.route.v3.RateLimit rate_limits = 17
    string metadata_namespace = 18
    bool enable_retry_after_header = 19
file envoy/extensions/filters/http/router/v3/router.proto envoy.extensions.filters.http.router.v3
  message Router
    google.protobuf.BoolValue reject_connect_request_early_data = 10
file envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.proto envoy.extensions.filters.http.set_filter_state.v3
  message Config
    bool clear_route_cache = 2
file envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.proto envoy.extensions.filters.listener.proxy_protocol.v3
  message ProxyProtocol
    ProxyProtocol.TlvLocation tlv_location = 6
  enum ProxyProtocol.TlvLocation DYNAMIC_METADATA=0 FILTER_STATE=1
  message ProxyProtocol.KeyValuePair
    ProxyProtocol.KeyValuePair.ValueStringEncoding value_string_encoding = 3
  enum ProxyProtocol.KeyValuePair.ValueStringEncoding UNSPECIFIED=0 SANITIZED_UTF8=1 BASE64=2
file envoy/extensions/filters/listener/set_filter_state/v3/set_filter_state.proto envoy.extensions.filters.listener.set_filter_state.v3
  message Config
    repeated envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue on_accept = 1
file envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto envoy.extensions.filters.listener.tls_inspector.v3
  message TlsInspector
    google.protobuf.BoolValue enable_ja4_fingerprinting = 3
    bool close_connection_on_client_hello_parsing_errors = 4
    google.protobuf.UInt32Value max_client_hello_size = 5 {"uint32":{"lte":16384,"gt":255}}
file envoy/extensions/filters/http/stateful_session/v3/stateful_session.proto envoy.extensions.filters.http.stateful_session.v3
  message StatefulSession
    string stat_prefix = 3
    uint32 status_on_strict_destination_not_found = 4
file envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto envoy.extensions.filters.network.http_connection_manager.v3
  message HttpConnectionManager
    bool http1_safe_max_connection_duration = 58
    google.protobuf.Duration stream_flush_timeout = 59
    envoy.type.v3.Percent drain_timeout_jitter = 62
    xds.type.matcher.v3.Matcher forward_client_cert_matcher = 60
    ForwardProtoConfig forward_proto_config = 61
    bool record_route_resolution_stats = 63
  enum HttpConnectionManager.ForwardClientCertFormat TEXT=0 JSON=1
  message HttpConnectionManager.Tracing
    string operation = 11
    string upstream_operation = 12
    bool no_context_propagation = 13
  message HttpConnectionManager.SetCurrentClientCertDetails
    bool issuer = 8
    HttpConnectionManager.ForwardClientCertFormat format = 7
  message HttpConnectionManager.ForwardClientCertConfig
    HttpConnectionManager.ForwardClientCertDetails forward_client_cert_details = 1
    HttpConnectionManager.SetCurrentClientCertDetails set_current_client_cert_details = 2
  message ForwardProtoConfig
    repeated uint32 https_destination_ports = 1
    repeated uint32 http_destination_ports = 2
file envoy/extensions/filters/network/rbac/v3/rbac.proto envoy.extensions.filters.network.rbac.v3
  message RBAC
    google.protobuf.Duration delay_deny = 8
file envoy/extensions/filters/network/set_filter_state/v3/set_filter_state.proto envoy.extensions.filters.network.set_filter_state.v3
  message Config
    repeated envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue on_downstream_tls_handshake = 2
    repeated envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue on_downstream_data = 3
file envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy.proto envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3
  message FilterConfig
    bool save_upstream_address = 3
file envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto envoy.extensions.filters.network.tcp_proxy.v3
  enum UpstreamConnectMode IMMEDIATE=0 ON_DOWNSTREAM_DATA=1 ON_DOWNSTREAM_TLS_HANDSHAKE=2
  enum ProxyProtocolTlvMergePolicy ADD_IF_ABSENT=0 OVERWRITE_BY_TYPE_IF_EXISTS_OR_ADD=1 APPEND_IF_EXISTS_OR_ADD=2
  message TcpProxy
    envoy.config.core.v3.BackoffStrategy backoff_options = 18
    envoy.type.v3.Percent max_downstream_connection_duration_jitter_percentage = 20
    repeated envoy.config.core.v3.TlvEntry proxy_protocol_tlvs = 19
    ProxyProtocolTlvMergePolicy proxy_protocol_tlv_merge_policy = 23 {"enum":{"defined_only":true}}
    UpstreamConnectMode upstream_connect_mode = 21 {"enum":{"defined_only":true}}
    google.protobuf.UInt32Value max_early_data_bytes = 22 {"uint32":{"lte":1048576}}
    google.protobuf.BoolValue check_drain_close = 24
  message TcpProxy.TunnelingConfig
    envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension request_id_extension = 7
    string request_id_header = 8
    string request_id_metadata_key = 9
    repeated envoy.config.core.v3.TypedExtensionConfig formatters = 10
  message TcpProxy.TcpAccessLogOptions
    bool flush_access_log_on_start = 3
file xds/type/v3/cel.proto xds.type.v3
  message CelExpression
    expr_specifier: google.api.expr.v1alpha1.ParsedExpr cel_expr_parsed = 3
    expr_specifier: google.api.expr.v1alpha1.CheckedExpr cel_expr_checked = 4
file envoy/extensions/formatter/cel/v3/cel.proto envoy.extensions.formatter.cel.v3
  message Cel
    envoy.config.core.v3.CelExpressionConfig cel_config = 1
file envoy/extensions/formatter/file_content/v3/file_content.proto envoy.extensions.formatter.file_content.v3
  message FileContent
file envoy/extensions/formatter/generic_secret/v3/generic_secret.proto envoy.extensions.formatter.generic_secret.v3
  message GenericSecret
    map<string,envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig> secret_configs = 1 {"map":{"min_pairs":"1"}}
file envoy/extensions/health_checkers/udp/v3/udp.proto envoy.extensions.health_checkers.udp.v3
  message UdpHealthCheck
    envoy.config.core.v3.HealthCheck.Payload send = 1 {"message":{"required":true}}
    envoy.config.core.v3.HealthCheck.Payload receive = 2 {"message":{"required":true}}
file envoy/extensions/http/custom_response/local_response_policy/v3/local_response_policy.proto envoy.extensions.http.custom_response.local_response_policy.v3
  message LocalResponsePolicy
    response_code_details_action: bool preserve_response_code_details = 5 {"bool":{"const":true}}
    response_code_details_action: string response_code_details = 6 {"string":{"min_len":"1"}}
file envoy/extensions/http/injected_credentials/generic/v3/generic.proto envoy.extensions.http.injected_credentials.generic.v3
  message Generic
    string header_value_prefix = 3
file envoy/extensions/http/original_ip_detection/xff/v3/xff.proto envoy.extensions.http.original_ip_detection.xff.v3
  message XffConfig
    XffTrustedCidrs xff_trusted_cidrs = 2
    google.protobuf.BoolValue skip_xff_append = 3
  message XffTrustedCidrs
    repeated envoy.config.core.v3.CidrRange cidrs = 1
file envoy/extensions/http/stateful_session/envelope/v3/envelope.proto envoy.extensions.http.stateful_session.envelope.v3
  message EnvelopeSessionState
    EnvelopeSessionState.Header header = 1 {"message":{"required":true}}
  message EnvelopeSessionState.Header
    string name = 1 {"string":{"min_len":"1"}}
file envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin.proto envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3
  message ClientSideWeightedRoundRobin
    repeated string metric_names_for_computing_utilization = 7
    envoy.extensions.load_balancing_policies.common.v3.SlowStartConfig slow_start_config = 8
    envoy.extensions.load_balancing_policies.common.v3.OrcaOobReportingConfig oob_reporting_config = 9
file envoy/extensions/load_balancing_policies/common/v3/common.proto envoy.extensions.load_balancing_policies.common.v3
  message LocalityLbConfig.ZoneAwareLbConfig
    bool force_locality_direct_routing = 4 deprecated
    LocalityLbConfig.ZoneAwareLbConfig.ForceLocalZone force_local_zone = 5
    LocalityLbConfig.ZoneAwareLbConfig.LocalityBasis locality_basis = 6
  enum LocalityLbConfig.ZoneAwareLbConfig.LocalityBasis HEALTHY_HOSTS_NUM=0 HEALTHY_HOSTS_WEIGHT=1
  message LocalityLbConfig.ZoneAwareLbConfig.ForceLocalZone
    google.protobuf.UInt32Value min_size = 1
  message ConsistentHashingLbConfig
    repeated envoy.config.route.v3.RouteAction.HashPolicy hash_policy = 3
  message OrcaOobReportingConfig
    uint32 port_value = 1 {"uint32":{"lte":65535}}
    string authority = 2 {"string":{"well_known_regex":"HTTP_HEADER_VALUE","strict":false}}
    google.protobuf.Struct transport_socket_match_criteria = 3
file envoy/extensions/load_balancing_policies/override_host/v3/override_host.proto envoy.extensions.load_balancing_policies.override_host.v3
  message OverrideHost
    repeated OverrideHost.OverrideHostSource override_host_sources = 1 {"repeated":{"min_items":"1"}}
    envoy.type.metadata.v3.MetadataKey selected_host_key = 2
    envoy.config.cluster.v3.LoadBalancingPolicy fallback_policy = 3 {"message":{"required":true}}
  message OverrideHost.OverrideHostSource
    string header = 1 {"string":{"well_known_regex":"HTTP_HEADER_VALUE","strict":false}}
    envoy.type.metadata.v3.MetadataKey metadata = 2
file envoy/extensions/load_balancing_policies/peak_ewma/v3/peak_ewma.proto envoy.extensions.load_balancing_policies.peak_ewma.v3
  message PeakEwma
    google.protobuf.Duration decay_time = 1 {"duration":{"gt":"0s"}}
    google.protobuf.Duration aggregation_interval = 2 {"duration":{"gt":"0s"}}
    google.protobuf.UInt32Value max_samples_per_host = 3 {"uint32":{"gte":1}}
    google.protobuf.Duration default_rtt = 4 {"duration":{"gt":"0s"}}
    google.protobuf.DoubleValue penalty_value = 5 {"double":{"gt":0}}
file envoy/extensions/matching/common_inputs/network/v3/network_inputs.proto envoy.extensions.matching.common_inputs.network.v3
  message FilterStateInput
    string field = 2
  message DynamicMetadataInput
    string filter = 1 {"string":{"min_len":"1"}}
    repeated DynamicMetadataInput.PathSegment path = 2 {"repeated":{"min_items":"1"}}
  message DynamicMetadataInput.PathSegment
    segment: string key = 1 {"string":{"min_len":"1"}}
  message NetworkNamespaceInput
file envoy/extensions/matching/input_matchers/metadata/v3/metadata.proto envoy.extensions.matching.input_matchers.metadata.v3
  message Metadata
    envoy.type.matcher.v3.ValueMatcher value = 1 {"message":{"required":true}}
    bool invert = 4
file envoy/extensions/queue_policy/fifo/v3/fifo.proto envoy.extensions.queue_policy.fifo.v3
  message FifoQueuePolicyConfig
file envoy/extensions/rate_limit_descriptors/jwt_claim/v3/jwt_claim.proto envoy.extensions.rate_limit_descriptors.jwt_claim.v3
  message Descriptor
    string descriptor_key = 1 {"string":{"min_len":"1"}}
    string header_name = 2 {"string":{"well_known_regex":"HTTP_HEADER_NAME","strict":false}}
    string cookie = 7 {"string":{"well_known_regex":"HTTP_HEADER_NAME","strict":false}}
    string value_prefix = 3 {"string":{"well_known_regex":"HTTP_HEADER_VALUE","strict":false}}
    string claim_name = 4 {"string":{"min_len":"1"}}
    string default_value = 5
    bool skip_if_absent = 6
file envoy/extensions/stat_sinks/graphite_statsd/v3/graphite_statsd.proto envoy.extensions.stat_sinks.graphite_statsd.v3
  message GraphiteStatsdSink
    bool scale_histogram_units_to_milliseconds = 5
file envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.proto envoy.extensions.transport_sockets.proxy_protocol.v3
  message ProxyProtocolUpstreamTransport
    bool allow_unspecified_address = 3
    bool tlv_as_pool_key = 4
file envoy/extensions/transport_sockets/tls/v3/common.proto envoy.extensions.transport_sockets.tls.v3
  message TlsParameters
    repeated TlsParameters.CompliancePolicy compliance_policies = 6 {"repeated":{"max_items":"1"}}
  enum TlsParameters.CompliancePolicy FIPS_202205=0 CNSA2_202603=1 CNSA1_202603=2
  message TlsCertificate
    TlsParameters tls_params = 9
  message CertificateValidationContext
    bool suppress_client_ca_list = 18
file envoy/extensions/resource_monitors/cgroup_memory/v3/cgroup_memory.proto envoy.extensions.resource_monitors.cgroup_memory.v3
  message CgroupMemoryConfig
    google.protobuf.UInt64Value max_memory_bytes = 1 {"uint64":{"gt":"0"}}
file envoy/extensions/resource_monitors/cpu_utilization/v3/cpu_utilization.proto envoy.extensions.resource_monitors.cpu_utilization.v3
  message CpuUtilizationConfig
  enum CpuUtilizationConfig.UtilizationComputeStrategy HOST=0 CONTAINER=1
  message CpuUtilizationConfig
    CpuUtilizationConfig.UtilizationComputeStrategy mode = 1 {"enum":{"defined_only":true}}
file envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap.proto envoy.extensions.resource_monitors.fixed_heap.v3
  message FixedHeapConfig
    replace uint64 max_heap_size_bytes = 1
    envoy.config.core.v3.RuntimeUInt64 max_heap_size_bytes_runtime = 2
file envoy/extensions/transport_sockets/tls/v3/secret.proto envoy.extensions.transport_sockets.tls.v3
  message GenericSecret
    map<string,envoy.config.core.v3.DataSource> secrets = 2 sensitive
file envoy/extensions/transport_sockets/tls/v3/tls.proto envoy.extensions.transport_sockets.tls.v3
  message UpstreamTlsContext
    bool auto_host_sni = 6
    bool auto_sni_san_validation = 7
  message DownstreamTlsContext
    bool prefer_client_ciphers = 11
  message CommonTlsContext
    envoy.config.core.v3.TypedExtensionConfig custom_tls_certificate_selector = 16
file envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.proto envoy.extensions.network.dns_resolver.cares.v3
  message CaresDnsResolverConfig
    google.protobuf.UInt64Value query_timeout_seconds = 6 {"uint64":{"gte":"1"}}
    google.protobuf.UInt32Value query_tries = 7 {"uint32":{"gte":1}}
    bool rotate_nameservers = 8
    google.protobuf.UInt32Value edns0_max_payload_size = 9 {"uint32":{"gte":512,"lte":4096}}
    google.protobuf.Duration max_udp_channel_duration = 10 {"duration":{"gte":"0s"}}
    bool reinit_channel_on_timeout = 11
    google.protobuf.UInt32Value qcache_max_ttl = 12
file envoy/extensions/upstreams/http/v3/http_protocol_options.proto envoy.extensions.upstreams.http.v3
  message HttpProtocolOptions
    HttpProtocolOptions.OutlierDetection outlier_detection = 8
    repeated envoy.config.route.v3.RouteAction.RequestMirrorPolicy request_mirror_policies = 9
    repeated envoy.config.route.v3.RouteAction.HashPolicy hash_policy = 10
    envoy.config.route.v3.RetryPolicy retry_policy = 11
  message HttpProtocolOptions.OutlierDetection
    envoy.config.common.matcher.v3.MatchPredicate error_matcher = 1 {"message":{"required":true}}
file envoy/extensions/wasm/v3/wasm.proto envoy.extensions.wasm.v3
  enum FailurePolicy UNSPECIFIED=0 FAIL_RELOAD=1 FAIL_CLOSED=2 FAIL_OPEN=3
  message ReloadConfig
    envoy.config.core.v3.BackoffStrategy backoff = 1
  message VmConfig
    CapabilityRestrictionConfig capability_restriction_config = 8
  message PluginConfig
    FailurePolicy failure_policy = 7
    ReloadConfig reload_config = 8
    google.protobuf.BoolValue allow_on_headers_stop_iteration = 9
file envoy/extensions/router/cluster_specifiers/matcher/v3/matcher.proto envoy.extensions.router.cluster_specifiers.matcher.v3
  message ClusterAction
    string cluster = 1 {"string":{"min_len":"1"}}
  message MatcherClusterSpecifier
    xds.type.matcher.v3.Matcher cluster_matcher = 1 {"message":{"required":true}}
file xds/type/matcher/v3/matcher.proto xds.type.matcher.v3
  message Matcher.OnMatch
    bool keep_matching = 3
file nuncio/extensions/filters/native/v3/native.proto nuncio.extensions.filters.native.v3
  message NativeHttpFilter
    string filter = 1 {"string":{"min_len":"1"}}
    google.protobuf.Struct config = 2
  message NativeNetworkFilter
    string filter = 1 {"string":{"min_len":"1"}}
    google.protobuf.Struct config = 2
`;
