// test/guests/c/guest.c: the guest that ../README.md describes, freestanding, as guests of ABI 0.1.0 were.
#include "proxy_wasm.h"

enum { REQUEST_HEADERS = 0, RESPONSE_HEADERS = 2, CALL_RESPONSE_HEADERS = 6 };
enum { REQUEST_BODY = 0, RESPONSE_BODY = 1, CALL_RESPONSE_BODY = 4 };
enum { OK = 0, NOT_FOUND = 1, CAS_MISMATCH = 8 };
enum { CONTINUE = 0, STOP = 1 };

// A literal and its size.
#define S(text) (text), (sizeof(text) - 1)

// --- Memory: what the host puts here lives until the callback it belongs to is over. ---

static char arena[256 * 1024];
static u32 used;

EXPORT(malloc) void *guest_malloc(u32 size) {
  u32 start = used;
  if (size > sizeof(arena) - start) __builtin_trap();
  used = (start + size + 7) & ~7u;
  return arena + start;
}

void *memcpy(void *to, const void *from, unsigned long size) {
  for (unsigned long i = 0; i < size; i++) ((char *)to)[i] = ((const char *)from)[i];
  return to;
}

static void must(u32 status) {
  if (status != OK) __builtin_trap();
}

// --- Text ---

static u32 equal(const char *a, u32 a_size, const char *b, u32 b_size) {
  if (a_size != b_size) return 0;
  for (u32 i = 0; i < a_size; i++)
    if (a[i] != b[i]) return 0;
  return 1;
}

// Writes a number and gives its size.
static u32 digits(char *to, u64 value) {
  char reversed[20];
  u32 size = 0;
  do reversed[size++] = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  for (u32 i = 0; i < size; i++) to[i] = reversed[size - 1 - i];
  return size;
}

static u64 number(const char *text, u32 size) {
  u64 value = 0;
  for (u32 i = 0; i < size; i++) value = value * 10 + (u64)(text[i] - '0');
  return value;
}

// One pair or three, as the ABI has them.
static u32 pairs(char *to, u32 count, const char *const *texts) {
  u32 *sizes = (u32 *)to;
  char *at = to + 4 + 8 * count;
  sizes[0] = count;
  for (u32 i = 0; i < 2 * count; i++) {
    u32 size = 0;
    while (texts[i][size] != 0) size++;
    sizes[1 + i] = size;
    memcpy(at, texts[i], size + 1);
    at += size + 1;
  }
  return (u32)(at - to);
}

static void set_header(const char *name, u32 name_size, const char *value, u32 size) {
  must(proxy_replace_header_map_value(REQUEST_HEADERS, name, name_size, value, size));
}

// --- The guest ---

static char part[32];
static u32 part_size;
static u32 ticks;
// The one stream that waits for a call.
static u32 waiting;

static u32 is(const char *name, u32 size) { return equal(part, part_size, name, size); }

EXPORT(proxy_abi_version_0_1_0) void abi_version(void) {}
EXPORT(proxy_on_context_create) void on_context_create(u32 id, u32 parent) { used = 0; }
EXPORT(proxy_on_vm_start) u32 on_vm_start(u32 id, u32 size) { return 1; }

EXPORT(proxy_on_configure) u32 on_configure(u32 id, u32 configuration_size) {
  char *data = 0;
  must(proxy_get_configuration(&data, &part_size));
  if (part_size > sizeof(part)) return 0;
  memcpy(part, data, part_size);
  if (is(S("tick"))) must(proxy_set_tick_period_milliseconds(100));
  return !is(S("refuse"));
}

EXPORT(proxy_on_tick) void on_tick(u32 id) { ticks++; }

static void change_headers(void) {
  char *asked;
  u32 size;
  // In 0.1.0 a header that is not there is an empty one.
  must(proxy_get_header_map_value(REQUEST_HEADERS, S("x-asked"), &asked, &size));
  if (size == 0) set_header(S("x-got"), S("none"));
  else set_header(S("x-got"), asked, size);
  must(proxy_add_header_map_value(REQUEST_HEADERS, S("x-added"), S("one")));
  must(proxy_add_header_map_value(REQUEST_HEADERS, S("x-added"), S("two")));
  set_header(S("x-replaced"), S("new"));
  must(proxy_remove_header_map_value(REQUEST_HEADERS, S("x-removed")));
}

static void read_properties(void) {
  char *value;
  u32 size;
  must(proxy_get_property(S("request\0path"), &value, &size));
  set_header(S("x-path"), value, size);
  must(proxy_set_property(S("guest_note"), S("kept")));
  must(proxy_get_property(S("guest_note"), &value, &size));
  set_header(S("x-kept"), value, size);
  u32 status = proxy_get_property(S("no\0such"), &value, &size);
  if (status == NOT_FOUND) set_header(S("x-absent"), S("yes"));
  else set_header(S("x-absent"), S("no"));
}

static void count_metrics(void) {
  u32 counter, gauge, histogram;
  must(proxy_define_metric(0, S("guest_requests"), &counter));
  must(proxy_define_metric(1, S("guest_level"), &gauge));
  must(proxy_define_metric(2, S("guest_sizes"), &histogram));
  must(proxy_increment_metric(counter, 2));
  must(proxy_record_metric(gauge, 7));
  must(proxy_increment_metric(gauge, -3));
  must(proxy_record_metric(histogram, 5));
  u64 count, level;
  must(proxy_get_metric(counter, &count));
  must(proxy_get_metric(gauge, &level));
  char text[41];
  u32 size = digits(text, count);
  text[size++] = ' ';
  size += digits(text + size, level);
  set_header(S("x-metrics"), text, size);
}

static void share_data(void) {
  char *value;
  u32 size, cas = 0;
  u64 count = 0;
  u32 status = proxy_get_shared_data(S("guest_count"), &value, &size, &cas);
  if (status == OK) count = number(value, size);
  char next[32];
  u32 next_size = digits(next, count + 1);
  must(proxy_set_shared_data(S("guest_count"), next, next_size, cas));
  // A number that is not the one of now is refused.
  status = proxy_set_shared_data(S("guest_count"), S("0"), 0xffffffff);
  const char *word = status == CAS_MISMATCH ? " refused" : " taken";
  while (*word != 0) next[next_size++] = *word++;
  set_header(S("x-shared"), next, next_size);
}

static u32 reply(void) {
  static const char *const texts[] = {"x-why", "guest"};
  char headers[64];
  u32 size = pairs(headers, 1, texts);
  must(proxy_send_local_response(403, S("guest_said_no"), S("no\n"), headers, size, 0xffffffff));
  return STOP;
}

static u32 call(u32 id) {
  static const char *const texts[] = {":method", "GET", ":path", "/check", ":authority", "service"};
  char headers[128];
  u32 size = pairs(headers, 3, texts), token;
  must(proxy_http_call(S("service"), headers, size, 0, 0, 0, 0, 1000, &token));
  waiting = id;
  return STOP;
}

EXPORT(proxy_on_request_headers) u32 on_request_headers(u32 id, u32 count) {
  used = 0;
  if (is(S("headers"))) change_headers();
  else if (is(S("body"))) must(proxy_remove_header_map_value(REQUEST_HEADERS, S("content-length")));
  else if (is(S("property"))) read_properties();
  else if (is(S("metric"))) count_metrics();
  else if (is(S("shared_data"))) share_data();
  else if (is(S("tick"))) {
    char text[20];
    u32 size = digits(text, ticks);
    set_header(S("x-ticks"), text, size);
  } else if (is(S("log"))) {
    must(proxy_log(2, S("an information")));
    must(proxy_log(3, S("a warning")));
    must(proxy_log(4, S("an error")));
  } else if (is(S("reply"))) return reply();
  else if (is(S("callout"))) return call(id);
  return CONTINUE;
}

EXPORT(proxy_on_http_call_response)
void on_http_call_response(u32 root, u32 token, u32 count, u32 body_size, u32 trailers) {
  char *value;
  u32 size;
  used = 0;
  must(proxy_set_effective_context(waiting));
  if (count != 0) must(proxy_get_header_map_value(CALL_RESPONSE_HEADERS, S(":status"), &value, &size));
  if (count == 0 || !equal(value, size, S("200"))) {
    must(proxy_send_local_response(403, S(""), S("call failed\n"), 0, 0, 0xffffffff));
    return;
  }
  must(proxy_get_buffer_bytes(CALL_RESPONSE_BODY, 0, body_size, &value, &size));
  set_header(S("x-called"), value, size);
  must(proxy_continue_request());
}

EXPORT(proxy_on_request_body) u32 on_request_body(u32 id, u32 size, u32 end) {
  if (!is(S("body"))) return CONTINUE;
  if (!end) return STOP;
  must(proxy_set_buffer_bytes(REQUEST_BODY, size, 0, S(" and more")));
  return CONTINUE;
}

EXPORT(proxy_on_response_headers) u32 on_response_headers(u32 id, u32 count) {
  must(proxy_replace_header_map_value(RESPONSE_HEADERS, S("x-guest"), S("c")));
  if (is(S("body"))) must(proxy_remove_header_map_value(RESPONSE_HEADERS, S("content-length")));
  return CONTINUE;
}

EXPORT(proxy_on_response_body) u32 on_response_body(u32 id, u32 size, u32 end) {
  if (is(S("body")) && end) must(proxy_set_buffer_bytes(RESPONSE_BODY, size, 0, S("!")));
  return CONTINUE;
}

EXPORT(proxy_on_log) void on_log(u32 id) {
  if (is(S("log"))) must(proxy_log(2, S("the end")));
}
