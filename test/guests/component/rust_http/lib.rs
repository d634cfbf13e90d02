// test/guests/component/rust_http/lib.rs: an HTTP filter whose requests say what it does with them.
//
// `x-test` of a request chooses; without it the filter marks request and response and goes on.

use exports::nuncio::filter::http::{Guest as HttpGuest, GuestStream, Interest};
use exports::nuncio::filter::plugin::Guest as PluginGuest;
use nuncio::filter::callout;
use nuncio::filter::clock;
use nuncio::filter::control;
use nuncio::filter::logging::{self, LogLevel};
use nuncio::filter::metrics;
use nuncio::filter::properties;
use nuncio::filter::shared;
use nuncio::filter::types::{
    BodyAction, CalloutError, CalloutRequest, CalloutResponse, Header, HeaderEdit, HeadersAction, LocalResponse,
};
use std::cell::{Cell, RefCell};

struct Filter;

thread_local! {
    static CONFIG: RefCell<String> = RefCell::new(String::new());
    /// Streams that wait for a tick.
    static WAITING: RefCell<Vec<u32>> = RefCell::new(Vec::new());
    static LIVE: Cell<u32> = Cell::new(0);
}

impl PluginGuest for Filter {
    fn configure(config: String) -> Result<(), String> {
        if config == "refuse" {
            return Err("the configuration says so".to_string());
        }
        if config == "loop" {
            spin();
        }
        if config == "tick" {
            clock::set_tick(100);
        }
        if let Some(name) = config.strip_prefix("queue ") {
            shared::register_queue(name);
        }
        logging::log(LogLevel::Info, &format!("configured with {}", config));
        CONFIG.with(|it| *it.borrow_mut() = config);
        Ok(())
    }

    fn on_tick() {
        for stream in WAITING.with(|it| std::mem::take(&mut *it.borrow_mut())) {
            control::resume_request(stream, &[set("x-resumed", "by tick")]);
        }
    }

    fn on_queue(queue: u32) {
        while let Some(item) = shared::pop(queue) {
            logging::log(LogLevel::Info, &format!("from the queue: {}", String::from_utf8_lossy(&item)));
        }
    }
}

struct Stream {
    id: u32,
    test: RefCell<String>,
}

impl HttpGuest for Filter {
    type Stream = Stream;

    fn interests() -> Interest {
        CONFIG.with(|it| match it.borrow().as_str() {
            "headers only" => Interest::REQUEST_HEADERS,
            _ => Interest::all(),
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        LIVE.with(|it| it.set(it.get() - 1));
    }
}

impl GuestStream for Stream {
    fn new(id: u32) -> Self {
        LIVE.with(|it| it.set(it.get() + 1));
        Stream { id, test: RefCell::new(String::new()) }
    }

    fn on_request_headers(&self, headers: Vec<Header>, end: bool) -> HeadersAction {
        let test = value(&headers, "x-test");
        *self.test.borrow_mut() = test.clone();
        match test.as_str() {
            "" => HeadersAction::Continue(vec![add("x-request", "seen")]),
            "edit" => HeadersAction::Continue(vec![
                set("x-a", "new"),
                add("x-a", "second"),
                HeaderEdit::Remove("x-b".to_string()),
                set(":path", "/changed"),
            ]),
            "echo" => HeadersAction::Respond(reply(
                200,
                headers.iter().map(|it| format!("{}={}\n", it.name, it.value)).collect::<String>().into_bytes(),
            )),
            "reply" => HeadersAction::Respond(LocalResponse {
                status: 418,
                headers: vec![Header { name: "x-why".to_string(), value: "\u{e9}".to_string() }],
                body: b"no tea".to_vec(),
                details: "a teapot".to_string(),
                grpc_status: None,
            }),
            "grpc" => HeadersAction::Respond(LocalResponse { grpc_status: Some(7), ..reply(403, Vec::new()) }),
            "unicode" => HeadersAction::Continue(vec![set("x-latin", "caf\u{e9}"), set("x-snow", "\u{2603}")]),
            "bad name" => HeadersAction::Continue(vec![set("x y", "1"), set("x-good", "a\r\nb")]),
            "end" => HeadersAction::Continue(vec![set("x-end", if end { "yes" } else { "no" })]),
            "pause" => HeadersAction::Pause,
            "resume now" => {
                control::resume_request(self.id, &[]);
                HeadersAction::Pause
            }
            "tick" => {
                WAITING.with(|it| it.borrow_mut().push(self.id));
                HeadersAction::Pause
            }
            "callout" | "callout then reply" => match callout::send(&request(&value(&headers, "x-cluster"))) {
                Ok(_) => HeadersAction::Pause,
                Err(error) => HeadersAction::Continue(vec![set("x-error", &show(&error))]),
            },
            "callout bad" => match callout::send(&CalloutRequest { headers: Vec::new(), ..request("auth") }) {
                Ok(_) => HeadersAction::Pause,
                Err(error) => HeadersAction::Continue(vec![set("x-error", &show(&error))]),
            },
            "reset" => {
                control::reset(self.id);
                HeadersAction::Pause
            }
            "respond" => {
                let sent = control::respond(self.id, &reply(429, b"slow down".to_vec()));
                let other = control::respond(4_000_000, &reply(429, Vec::new()));
                logging::log(LogLevel::Info, &format!("responded {} {}", sent, other));
                HeadersAction::Pause
            }
            "property" => {
                let path = vec!["request".to_string(), "path".to_string()];
                let found = properties::get(&path).map(|it| String::from_utf8_lossy(&it).into_owned());
                let missing = properties::get(&["no".to_string(), "such".to_string()]).is_none();
                let was_set = properties::set(&["mine".to_string()], b"kept");
                let kept = properties::get(&["mine".to_string()]).map(|it| String::from_utf8_lossy(&it).into_owned());
                HeadersAction::Continue(vec![
                    set("x-path", &found.unwrap_or_default()),
                    set("x-missing", &missing.to_string()),
                    set("x-set", &was_set.to_string()),
                    set("x-kept", &kept.unwrap_or_default()),
                ])
            }
            "shared" => shared_data(),
            "queue" => match shared::resolve_queue("", "jobs") {
                None => HeadersAction::Continue(vec![set("x-queue", "none")]),
                Some(queue) => {
                    let pushed = shared::push(queue, b"a job");
                    HeadersAction::Continue(vec![set("x-queue", &pushed.to_string())])
                }
            },
            "metrics" => {
                let counter = metrics::define(metrics::Kind::Counter, "hits");
                metrics::add(counter, 2);
                metrics::add(counter, 3);
                let gauge = metrics::define(metrics::Kind::Gauge, "level");
                metrics::record_value(gauge, 7);
                metrics::add(gauge, -2);
                let histogram = metrics::define(metrics::Kind::Histogram, "sizes");
                metrics::record_value(histogram, 9);
                HeadersAction::Continue(vec![
                    set("x-counter", &metrics::get(counter).to_string()),
                    set("x-gauge", &metrics::get(gauge).to_string()),
                ])
            }
            "time" => HeadersAction::Continue(vec![set("x-now", &clock::now_nanos().to_string())]),
            "log" => {
                logging::log(LogLevel::Warn, "a warning \u{2603}");
                let enabled = logging::enabled(LogLevel::Trace);
                HeadersAction::Continue(vec![set("x-trace", &enabled.to_string())])
            }
            "live" => HeadersAction::Continue(vec![set("x-live", &LIVE.with(|it| it.get()).to_string())]),
            "trap" => panic!("asked to"),
            "loop" => spin(),
            "recurse" => HeadersAction::Continue(vec![set("x-depth", &recurse(&headers, 0).to_string())]),
            "memory" => {
                let mut blocks: Vec<Vec<u8>> = Vec::new();
                loop {
                    let mut block: Vec<u8> = Vec::new();
                    if block.try_reserve_exact(1 << 20).is_err() {
                        break;
                    }
                    block.resize(1 << 20, 1);
                    blocks.push(block);
                }
                HeadersAction::Continue(vec![set("x-blocks", &blocks.len().to_string())])
            }
            _ => HeadersAction::Continue(Vec::new()),
        }
    }

    fn on_request_body(&self, chunk: Vec<u8>, end: bool) -> BodyAction {
        self.body(chunk, end)
    }

    fn on_request_trailers(&self, trailers: Vec<Header>) -> HeadersAction {
        self.trailers(trailers)
    }

    fn on_response_headers(&self, headers: Vec<Header>, _end: bool) -> HeadersAction {
        match self.test.borrow().as_str() {
            "response trap" => panic!("asked to"),
            "response reply" => HeadersAction::Respond(reply(502, b"replaced".to_vec())),
            "response callout" => match callout::send(&request("auth")) {
                Ok(_) => HeadersAction::Pause,
                Err(error) => HeadersAction::Continue(vec![set("x-error", &show(&error))]),
            },
            _ => HeadersAction::Continue(vec![
                add("x-response", &value(&headers, ":status")),
                HeaderEdit::Remove("content-length".to_string()),
            ]),
        }
    }

    fn on_response_body(&self, chunk: Vec<u8>, end: bool) -> BodyAction {
        self.body(chunk, end)
    }

    fn on_response_trailers(&self, trailers: Vec<Header>) -> HeadersAction {
        self.trailers(trailers)
    }

    fn on_callout(&self, _token: u32, outcome: Result<CalloutResponse, CalloutError>) {
        let edits = match outcome {
            Ok(response) => vec![
                set("x-callout", &value(&response.headers, ":status")),
                set("x-callout-body", &String::from_utf8_lossy(&response.body)),
                set("x-callout-trailer", &value(&response.trailers, "x-t")),
            ],
            Err(error) => vec![set("x-error", &show(&error))],
        };
        match self.test.borrow().as_str() {
            "callout then reply" => {
                control::respond(self.id, &reply(401, b"not you".to_vec()));
            }
            "response callout" => control::resume_response(self.id, &edits),
            _ => control::resume_request(self.id, &edits),
        }
    }

    fn on_log(&self) {
        logging::log(LogLevel::Info, &format!("stream over: {}", self.test.borrow()));
    }
}

impl Stream {
    fn body(&self, chunk: Vec<u8>, end: bool) -> BodyAction {
        match self.test.borrow().as_str() {
            "upper" => BodyAction::Replace(chunk.to_ascii_uppercase()),
            "empty" => BodyAction::Replace(Vec::new()),
            "buffer" if !end => BodyAction::Buffer,
            "buffer" => BodyAction::Replace(format!("{} bytes", chunk.len()).into_bytes()),
            "hold" if !end => BodyAction::Hold,
            "body reply" => BodyAction::Respond(reply(413, b"too much".to_vec())),
            "body trap" => panic!("asked to"),
            _ => BodyAction::Continue,
        }
    }

    fn trailers(&self, trailers: Vec<Header>) -> HeadersAction {
        match self.test.borrow().as_str() {
            "trailers" => HeadersAction::Continue(vec![set("x-trailers", &trailers.len().to_string())]),
            "trailers reply" => HeadersAction::Respond(reply(400, Vec::new())),
            _ => HeadersAction::Continue(Vec::new()),
        }
    }
}

fn shared_data() -> HeadersAction {
    let before = shared::get("key");
    let first = shared::set("key", b"one", None);
    let entry = shared::get("key");
    let (text, cas) = match entry {
        Some(entry) => (String::from_utf8_lossy(&entry.value).into_owned(), entry.cas),
        None => (String::new(), 0),
    };
    let second = shared::set("key", b"two", Some(cas));
    let third = shared::set("key", b"three", Some(cas));
    HeadersAction::Continue(vec![
        set("x-before", &before.is_none().to_string()),
        set("x-first", &first.is_ok().to_string()),
        set("x-entry", &text),
        set("x-second", &second.is_ok().to_string()),
        set("x-third", &format!("{:?}", third)),
    ])
}

fn request(cluster: &str) -> CalloutRequest {
    CalloutRequest {
        cluster: cluster.to_string(),
        headers: vec![header(":method", "POST"), header(":path", "/check"), header(":authority", "auth")],
        body: b"ask".to_vec(),
        timeout_ms: 500,
    }
}

fn reply(status: u16, body: Vec<u8>) -> LocalResponse {
    LocalResponse { status, headers: Vec::new(), body, details: "guest".to_string(), grpc_status: None }
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.to_string(), value: value.to_string() }
}

fn set(name: &str, value: &str) -> HeaderEdit {
    HeaderEdit::Set(header(name, value))
}

fn add(name: &str, value: &str) -> HeaderEdit {
    HeaderEdit::Add(header(name, value))
}

fn value(headers: &[Header], name: &str) -> String {
    headers.iter().find(|it| it.name == name).map(|it| it.value.clone()).unwrap_or_default()
}

fn show(error: &CalloutError) -> String {
    match error {
        CalloutError::UnknownCluster => "unknown-cluster".to_string(),
        CalloutError::Timeout => "timeout".to_string(),
        CalloutError::Reset => "reset".to_string(),
        CalloutError::BadRequest(reason) => format!("bad-request {}", reason),
    }
}

/// Read and written through a pointer, so that no compiler sees what a loop is good for.
static mut TURNS: u32 = 0;

fn turn() -> u32 {
    unsafe {
        let at = core::ptr::addr_of_mut!(TURNS);
        at.write_volatile(at.read_volatile().wrapping_add(1));
        at.read_volatile()
    }
}

fn spin() -> ! {
    loop {
        turn();
    }
}

fn recurse(headers: &[Header], depth: u32) -> u32 {
    if headers.len() as u32 > depth + 1_000_000_000 {
        return depth;
    }
    recurse(headers, depth + 1) + turn()
}
