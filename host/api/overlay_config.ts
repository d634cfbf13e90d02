// host/api/overlay_config.ts: fields of envoy.config and envoy.type that are newer than Envoy 1.31.
/**
 * The table form is explained in `overlay.ts`. A test compares what the published set of a newer Envoy
 * says about each of these fields, when that set is at hand.
 *
 * @module
 */

export const OVERLAY_CONFIG: string = `
file envoy/config/accesslog/v3/accesslog.proto envoy.config.accesslog.v3
  enum ComparisonFilter.Op NE=3
file envoy/config/bootstrap/v3/bootstrap.proto envoy.config.bootstrap.v3
  message Bootstrap
    stats_eviction: google.protobuf.Duration stats_eviction_interval = 42 {"duration":{"gte":"0.001s"}}
    bool enable_worker_cpu_affinity = 43
  message Admin
    repeated envoy.type.matcher.v3.StringMatcher allow_paths = 7
  message MemoryAllocatorManager
    google.protobuf.UInt64Value soft_memory_limit_bytes = 3
    google.protobuf.UInt32Value max_per_cpu_cache_size_bytes = 4
    uint64 max_unfreed_memory_bytes = 5
file envoy/config/cluster/v3/circuit_breaker.proto envoy.config.cluster.v3
  message CircuitBreakers.Thresholds.RetryBudget
    google.protobuf.Duration budget_interval = 3
file envoy/config/cluster/v3/cluster.proto envoy.config.cluster.v3
  message Cluster
    xds.type.matcher.v3.Matcher transport_socket_matcher = 59
    envoy.config.metrics.v3.StatsMatcher stats_matcher = 61
    google.protobuf.Duration per_connection_buffer_high_watermark_timeout = 60 {"duration":{"gte":"0s"}}
    google.protobuf.Duration dns_jitter = 58 {"duration":{"gte":"0s"}} deprecated
    Cluster.QueuingPolicies queuing_policies = 62
  message Cluster.PreconnectPolicy
    envoy.type.matcher.v3.MetadataMatcher preconnect_enabled_metadata = 3
  message Cluster.QueuingPolicies
    envoy.config.core.v3.TypedExtensionConfig pending_rq_policy = 1
  enum UpstreamConnectionOptions.FirstAddressFamilyVersion PIPE=3 INTERNAL=4
file envoy/config/cluster/v3/outlier_detection.proto envoy.config.cluster.v3
  message OutlierDetection
    google.protobuf.BoolValue detect_degraded_hosts = 26
file envoy/config/common/mutation_rules/v3/mutation_rules.proto envoy.config.common.mutation_rules.v3
  message HeaderMutation
    action: HeaderMutation.RemoveOnMatch remove_on_match = 3
  message HeaderMutation.RemoveOnMatch
    envoy.type.matcher.v3.StringMatcher key_matcher = 1 {"message":{"required":true}}
file envoy/config/core/v3/address.proto envoy.config.core.v3
  message SocketAddress
    string network_namespace_filepath = 7
  message BindConfig
    bool validate_network_namespaces = 7
file envoy/config/core/v3/base.proto envoy.config.core.v3
  message RuntimeUInt64
    uint64 default_value = 2
    string runtime_key = 3 {"string":{"min_len":"1"}}
  message KeyValuePair
    string key = 1 {"string":{"min_len":"1","max_bytes":"16384"}}
    google.protobuf.Value value = 2
  message KeyValueAppend
    KeyValuePair record = 3
  message WatchedDirectory
    bool watch_modify = 2
file envoy/config/common/matcher/v3/matcher.proto envoy.config.common.matcher.v3
  message Matcher.OnMatch
    bool keep_matching = 3
file envoy/config/core/v3/cel.proto envoy.config.core.v3
  message CelExpressionConfig
    bool enable_string_conversion = 1
    bool enable_string_concat = 2
    bool enable_string_functions = 3
file envoy/config/core/v3/config_source.proto envoy.config.core.v3
  message PathConfigSource
    google.protobuf.Duration poll_interval = 3 {"duration":{"gte":"0.001s"}}
file envoy/config/core/v3/health_check.proto envoy.config.core.v3
  message HealthCheck
    string name = 27
  message HealthCheck.HttpHealthCheck
    bool use_alpn_protocol = 15
file envoy/config/core/v3/http_service.proto envoy.config.core.v3
  message HttpService
    repeated TypedExtensionConfig formatters = 3
file envoy/config/core/v3/protocol.proto envoy.config.core.v3
  message HttpProtocolOptions
    envoy.type.v3.Percent max_connection_duration_jitter = 8
    google.protobuf.UInt32Value max_response_headers_kb = 7 {"uint32":{"lte":8192,"gt":0}}
  message Http1ProtocolOptions
    repeated envoy.type.matcher.v3.StringMatcher ignore_http_11_upgrade = 11
  message Http2ProtocolOptions
    google.protobuf.UInt64Value max_metadata_size = 17
    google.protobuf.BoolValue enable_huffman_encoding = 18
    google.protobuf.UInt32Value max_header_field_size_kb = 19 {"uint32":{"lte":256,"gte":64}}
    google.protobuf.BoolValue disallow_obs_text = 20
    google.protobuf.UInt64Value stream_reset_burst = 21
    google.protobuf.UInt64Value stream_reset_rate = 22
  message Http3ProtocolOptions
    bool disable_qpack = 7
    bool disable_connection_flow_control_for_streams = 8
    google.protobuf.BoolValue disallow_obs_text = 9
file envoy/config/core/v3/proxy_protocol.proto envoy.config.core.v3
  message TlvEntry
    uint32 type = 1 {"uint32":{"lt":256}}
    bytes value = 2
    SubstitutionFormatString format_string = 3
  message ProxyProtocolConfig
    repeated TlvEntry added_tlvs = 3
  message PerHostConfig
    repeated TlvEntry added_tlvs = 1
file envoy/config/core/v3/socket_option.proto envoy.config.core.v3
  message SocketOption
    SocketOption.SocketType type = 7
    SocketOption.SocketIpVersion ip_version = 8
  enum SocketOption.SocketIpVersion SOCKET_IP_VERSION_UNSPECIFIED=0 SOCKET_IP_VERSION_IPV4=1 SOCKET_IP_VERSION_IPV6=2
  message SocketOption.SocketType
    SocketOption.SocketType.Stream stream = 1
    SocketOption.SocketType.Datagram datagram = 2
  message SocketOption.SocketType.Stream
  message SocketOption.SocketType.Datagram
file envoy/config/endpoint/v3/endpoint_components.proto envoy.config.endpoint.v3
  message Endpoint
    string observability_name = 5
  message LbEndpointCollection
    repeated xds.core.v3.CollectionEntry entries = 1
file envoy/config/listener/v3/listener.proto envoy.config.listener.v3
  message AdditionalAddress
    envoy.config.core.v3.TcpKeepalive tcp_keepalive = 3
  message Listener
    envoy.config.metrics.v3.StatsMatcher stats_matcher = 39
    google.protobuf.Duration per_connection_buffer_high_watermark_timeout = 38 {"duration":{"gte":"0s"}}
    envoy.config.core.v3.TcpKeepalive tcp_keepalive = 37
  message Listener.ConnectionBalanceConfig
    balance_type: Listener.ConnectionBalanceConfig.CpuLocalityBalance cpu_locality_balance = 3
  message Listener.ConnectionBalanceConfig.CpuLocalityBalance
file envoy/config/metrics/v3/metrics_service.proto envoy.config.metrics.v3
  message MetricsServiceConfig
    uint32 batch_size = 6 {"uint32":{"gte":0}}
file envoy/config/metrics/v3/stats.proto envoy.config.metrics.v3
  message StatsConfig
    google.protobuf.BoolValue allow_default_tag_overrides = 5
  message HistogramBucketSettings
    google.protobuf.UInt32Value bins = 3 {"uint32":{"lte":46082,"gt":0}}
  message StatsdSink
    bool scale_histogram_units_to_milliseconds = 4
  message DogStatsdSink
    bool scale_histogram_units_to_milliseconds = 5
file envoy/config/overload/v3/overload.proto envoy.config.overload.v3
  enum ScaleTimersOverloadActionConfig.TimerType HTTP_DOWNSTREAM_CONNECTION_MAX=4 HTTP_DOWNSTREAM_STREAM_FLUSH=5
  message ShrinkHeapConfig
    google.protobuf.Duration timer_interval = 1 {"duration":{"gte":"1s"}}
    google.protobuf.UInt64Value max_unfreed_memory_bytes = 2
file envoy/config/rbac/v3/rbac.proto envoy.config.rbac.v3
  enum MetadataSource DYNAMIC=0 ROUTE=1
  message Policy
    envoy.config.core.v3.CelExpressionConfig cel_config = 5
  message SourcedMetadata
    envoy.type.matcher.v3.MetadataMatcher metadata_matcher = 1 {"message":{"required":true}}
    MetadataSource metadata_source = 2 {"enum":{"defined_only":true}}
  message Permission
    rule: SourcedMetadata sourced_metadata = 14
  message Principal
    identifier: SourcedMetadata sourced_metadata = 13
    identifier: envoy.config.core.v3.TypedExtensionConfig custom = 14
file envoy/config/route/v3/route.proto envoy.config.route.v3
  message RouteConfiguration
    string vhost_header = 18 {"string":{"well_known_regex":"HTTP_HEADER_NAME","strict":false}}
    repeated envoy.config.core.v3.TypedExtensionConfig route_specifiers = 19
file envoy/config/route/v3/route_components.proto envoy.config.route.v3
  message VirtualHost
    google.protobuf.UInt64Value request_body_buffer_limit = 25 {"message":{"required":false}}
    repeated envoy.config.core.v3.TypedExtensionConfig route_specifiers = 26
  message Route
    google.protobuf.UInt64Value request_body_buffer_limit = 20
    repeated envoy.config.core.v3.TypedExtensionConfig route_specifiers = 21
  message WeightedCluster
    random_value_specifier: google.protobuf.BoolValue use_hash_policy = 5
  message RouteMatch
    repeated CookieMatcher cookies = 17
    repeated envoy.type.matcher.v3.FilterStateMatcher filter_state = 16
  message RouteAction
    string path_rewrite = 45
    host_rewrite_specifier: string host_rewrite = 44
    google.protobuf.Duration flush_timeout = 42
  message RouteAction.RequestMirrorPolicy
    repeated envoy.config.common.mutation_rules.v3.HeaderMutation request_headers_mutations = 7 {"repeated":{"max_items":"1000"}}
    string host_rewrite_literal = 8 {"string":{"well_known_regex":"HTTP_HEADER_VALUE","strict":false}}
  message RetryPolicy
    bool refresh_cluster_on_retry = 14
  message RedirectAction
    path_rewrite_specifier: string path_rewrite = 10
  message DirectResponseAction
    envoy.config.core.v3.SubstitutionFormatString body_format = 3
  message Tracing
    string operation = 5
    string upstream_operation = 6
  message RateLimit
    RateLimit.HitsAddend hits_addend = 5
    bool apply_on_stream_done = 6
    RateLimit.XRateLimitOption x_ratelimit_option = 7
  enum RateLimit.XRateLimitOption UNSPECIFIED=0 OFF=1 DRAFT_VERSION_03=2
  message RateLimit.Action
    action_specifier: RateLimit.Action.QueryParameters query_parameters = 12
    action_specifier: RateLimit.Action.RemoteAddressMatch remote_address_match = 13
  message RateLimit.Action.QueryParameters
    string query_parameter_name = 1 {"string":{"min_len":"1"}}
    string descriptor_key = 2 {"string":{"min_len":"1"}}
    bool skip_if_absent = 3
  message RateLimit.Action.GenericKey
    string default_value = 3
  message RateLimit.Action.HeaderValueMatch
    string default_value = 5
  enum RateLimit.Action.MetaData.Source CLUSTER_ENTRY=2 CLUSTER_LOCALITY_ENTRY=3
  message RateLimit.Action.QueryParameterValueMatch
    string default_value = 5
  message RateLimit.Action.RemoteAddressMatch
    string descriptor_value = 1 {"string":{"min_len":"1"}}
    string descriptor_key = 2
    string default_value = 3
    envoy.type.matcher.v3.AddressMatcher address_matcher = 4 {"message":{"required":true}}
  message RateLimit.Override
    override_specifier: RateLimit.Override.RateLimitOverride rate_limit = 2
  message RateLimit.Override.RateLimitOverride
    uint32 requests_per_unit = 1
    envoy.type.v3.RateLimitUnit unit = 2
  message RateLimit.HitsAddend
    google.protobuf.UInt64Value number = 1 {"uint64":{"lte":"1000000000"}}
    string format = 2 {"string":{"prefix":"%","suffix":"%","ignore_empty":true}}
    bool is_negative_hits = 3
  message CookieMatcher
    string name = 1 {"string":{"min_len":"1","max_bytes":"1024"}}
    envoy.type.matcher.v3.StringMatcher string_match = 2 {"message":{"required":true}}
    bool invert_match = 3
file envoy/config/trace/v3/opentelemetry.proto envoy.config.trace.v3
  message OpenTelemetryConfig
    envoy.config.core.v3.TypedExtensionConfig exporter = 10
    google.protobuf.UInt32Value max_cache_size = 6
    google.protobuf.BoolValue set_telemetry_sdk_resource_attributes = 7
    google.protobuf.BoolValue set_service_name_resource_attribute = 8
    google.protobuf.BoolValue set_instrumentation_scope = 9
file envoy/config/trace/v3/zipkin.proto envoy.config.trace.v3
  message ZipkinConfig
    ZipkinConfig.TraceContextOption trace_context_option = 8
    envoy.config.core.v3.HttpService collector_service = 9
    bool timestamp_trace_ids = 10
  enum ZipkinConfig.TraceContextOption USE_B3=0 USE_B3_WITH_W3C_PROPAGATION=1
file envoy/type/http/v3/cookie.proto envoy.type.http.v3
  message Cookie
    repeated CookieAttribute attributes = 4
  message CookieAttribute
    string name = 1 {"string":{"min_len":"1","max_bytes":"16384","well_known_regex":"HTTP_HEADER_NAME","strict":false}}
    string value = 2 {"string":{"max_bytes":"16384","well_known_regex":"HTTP_HEADER_VALUE","strict":false}}
file envoy/type/matcher/v3/address.proto envoy.type.matcher.v3
  message AddressMatcher
    repeated xds.core.v3.CidrRange ranges = 1
    bool invert_match = 2
file envoy/type/matcher/v3/filter_state.proto envoy.type.matcher.v3
  message FilterStateMatcher
    matcher: AddressMatcher address_match = 3
file envoy/type/matcher/v3/status_code_input.proto envoy.type.matcher.v3
  message HttpResponseLocalReplyMatchInput
file envoy/type/metadata/v3/metadata.proto envoy.type.metadata.v3
  message MetadataKey.PathSegment
    segment: uint32 index = 2
file envoy/type/tracing/v3/custom_tag.proto envoy.type.tracing.v3
  message CustomTag
    type: string value = 6
    CustomTag.ValueType value_type = 7 {"enum":{"defined_only":true}}
  enum CustomTag.ValueType UNSPECIFIED=0 STRING=1 INT=2 DOUBLE=3 BOOL=4
file envoy/type/v3/scope.proto envoy.type.v3
  message Scope
    google.protobuf.UInt32Value max_counters = 1
    google.protobuf.UInt32Value max_gauges = 2
    google.protobuf.UInt32Value max_histograms = 3
    bool enable_eviction = 4
    string prefix = 5
    string sharing_name = 6
`;
