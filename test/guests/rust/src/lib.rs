// test/guests/rust/src/lib.rs: the guest that ../README.md describes, with the Rust SDK.
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, MetricType, Status};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

#[no_mangle]
pub fn _start() {
    proxy_wasm::set_log_level(LogLevel::Trace);
    proxy_wasm::set_root_context(|_| {
        Box::new(Root { part: String::new(), ticks: Rc::new(Cell::new(0)) })
    });
}

struct Root {
    part: String,
    ticks: Rc<Cell<u32>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = self.get_plugin_configuration().unwrap_or_default();
        self.part = String::from_utf8(bytes).unwrap();
        if self.part == "tick" {
            self.set_tick_period(Duration::from_millis(100));
        }
        self.part != "refuse"
    }

    fn on_tick(&mut self) {
        self.ticks.set(self.ticks.get() + 1);
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { part: self.part.clone(), ticks: self.ticks.clone() }))
    }
}

struct Stream {
    part: String,
    ticks: Rc<Cell<u32>>,
}

impl Stream {
    fn headers(&self) {
        let asked = self.get_http_request_header("x-asked");
        self.set_http_request_header("x-got", Some(asked.as_deref().unwrap_or("none")));
        self.add_http_request_header("x-added", "one");
        self.add_http_request_header("x-added", "two");
        self.set_http_request_header("x-replaced", Some("new"));
        self.set_http_request_header("x-removed", None);
    }

    fn property(&self) {
        let path = self.get_property(vec!["request", "path"]).unwrap_or_default();
        self.set_http_request_header("x-path", Some(&String::from_utf8_lossy(&path)));
        self.set_property(vec!["guest_note"], Some(b"kept"));
        let note = self.get_property(vec!["guest_note"]).unwrap_or_default();
        self.set_http_request_header("x-kept", Some(&String::from_utf8_lossy(&note)));
        let absent = self.get_property(vec!["no", "such"]).is_none();
        self.set_http_request_header("x-absent", Some(if absent { "yes" } else { "no" }));
    }

    fn metric(&self) {
        use proxy_wasm::hostcalls::{define_metric, get_metric, increment_metric, record_metric};
        let counter = define_metric(MetricType::Counter, "guest_requests").unwrap();
        let gauge = define_metric(MetricType::Gauge, "guest_level").unwrap();
        let histogram = define_metric(MetricType::Histogram, "guest_sizes").unwrap();
        increment_metric(counter, 2).unwrap();
        record_metric(gauge, 7).unwrap();
        increment_metric(gauge, -3).unwrap();
        record_metric(histogram, 5).unwrap();
        let count = get_metric(counter).unwrap();
        let level = get_metric(gauge).unwrap();
        self.set_http_request_header("x-metrics", Some(&format!("{} {}", count, level)));
    }

    fn shared_data(&self) {
        let (value, cas) = self.get_shared_data("guest_count");
        let count: u32 = value.map_or(0, |bytes| String::from_utf8(bytes).unwrap().parse().unwrap());
        let next = (count + 1).to_string();
        self.set_shared_data("guest_count", Some(next.as_bytes()), cas).unwrap();
        // A number that is not the one of now is refused.
        let refused = self.set_shared_data("guest_count", Some(b"0"), Some(u32::MAX));
        let refused = if let Err(Status::CasMismatch) = refused { "refused" } else { "taken" };
        self.set_http_request_header("x-shared", Some(&format!("{} {}", next, refused)));
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _token: u32, headers: usize, size: usize, _trailers: usize) {
        let status = self.get_http_call_response_header(":status");
        if headers == 0 || status.as_deref() != Some("200") {
            self.send_http_response(403, vec![], Some(b"call failed\n"));
            return;
        }
        let body = self.get_http_call_response_body(0, size).unwrap_or_default();
        self.set_http_request_header("x-called", Some(&String::from_utf8_lossy(&body)));
        self.resume_http_request();
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        match self.part.as_str() {
            "headers" => self.headers(),
            "body" => self.set_http_request_header("content-length", None),
            "property" => self.property(),
            "metric" => self.metric(),
            "shared_data" => self.shared_data(),
            "tick" => self.set_http_request_header("x-ticks", Some(&self.ticks.get().to_string())),
            "log" => {
                proxy_wasm::hostcalls::log(LogLevel::Info, "an information").unwrap();
                proxy_wasm::hostcalls::log(LogLevel::Warn, "a warning").unwrap();
                proxy_wasm::hostcalls::log(LogLevel::Error, "an error").unwrap();
            }
            "reply" => {
                self.send_http_response(403, vec![("x-why", "guest")], Some(b"no\n"));
                return Action::Pause;
            }
            "callout" => {
                let headers = vec![(":method", "GET"), (":path", "/check"), (":authority", "service")];
                self.dispatch_http_call("service", headers, None, vec![], Duration::from_secs(1)).unwrap();
                return Action::Pause;
            }
            _ => {}
        }
        Action::Continue
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        if self.part != "body" {
            return Action::Continue;
        }
        if !end {
            return Action::Pause;
        }
        let mut body = self.get_http_request_body(0, size).unwrap_or_default();
        body.extend_from_slice(b" and more");
        self.set_http_request_body(0, size, &body);
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, _end: bool) -> Action {
        self.set_http_response_header("x-guest", Some("rust"));
        if self.part == "body" {
            self.set_http_response_header("content-length", None);
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        if self.part == "body" && end {
            self.set_http_response_body(size, 0, b"!");
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        if self.part == "log" {
            proxy_wasm::hostcalls::log(LogLevel::Info, "the end").unwrap();
        }
    }
}
