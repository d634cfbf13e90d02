// test/guests/component/rust_tcp/lib.rs: a network filter whose first bytes say what it does.

use exports::nuncio::filter::plugin::Guest as PluginGuest;
use exports::nuncio::filter::tcp::{DataResult, Guest as TcpGuest, GuestConnection, Peer, StreamAction};
use nuncio::filter::control;
use nuncio::filter::logging::{self, LogLevel};
use std::cell::{Cell, RefCell};

struct Filter;

thread_local! {
    static CONFIG: RefCell<String> = RefCell::new(String::new());
    static PAUSED: Cell<u32> = Cell::new(0);
}

impl PluginGuest for Filter {
    fn configure(config: String) -> Result<(), String> {
        if config == "tick" {
            nuncio::filter::clock::set_tick(100);
        }
        CONFIG.with(|it| *it.borrow_mut() = config);
        Ok(())
    }

    fn on_tick() {
        let id = PAUSED.with(|it| it.replace(0));
        if id != 0 {
            control::resume_request(id, &[]);
        }
    }

    fn on_queue(_queue: u32) {}
}

struct Connection {
    id: u32,
}

impl TcpGuest for Filter {
    type Connection = Connection;
}

fn pass() -> DataResult {
    DataResult { action: StreamAction::Continue, replacement: None }
}

impl GuestConnection for Connection {
    fn new(id: u32) -> Self {
        Connection { id }
    }

    fn on_open(&self) -> StreamAction {
        CONFIG.with(|it| match it.borrow().as_str() {
            "close" => StreamAction::Close,
            "pause" => StreamAction::Pause,
            _ => StreamAction::Continue,
        })
    }

    fn on_downstream(&self, data: Vec<u8>, end: bool) -> DataResult {
        if data.starts_with(b"upper ") {
            return DataResult { action: StreamAction::Continue, replacement: Some(data.to_ascii_uppercase()) };
        }
        if data.starts_with(b"line ") && !end && !data.contains(&b'\n') {
            return DataResult { action: StreamAction::Pause, replacement: None };
        }
        if data.starts_with(b"wait") {
            PAUSED.with(|it| it.set(self.id));
            return DataResult { action: StreamAction::Pause, replacement: None };
        }
        if data.starts_with(b"close") {
            return DataResult { action: StreamAction::Close, replacement: None };
        }
        if data.starts_with(b"reset") {
            control::reset(self.id);
        }
        if data.starts_with(b"trap") {
            panic!("asked to");
        }
        pass()
    }

    fn on_upstream(&self, data: Vec<u8>, _end: bool) -> DataResult {
        if data.is_empty() {
            return pass();
        }
        DataResult { action: StreamAction::Continue, replacement: Some([b"> ", &data[..]].concat()) }
    }

    fn on_close(&self, by: Peer) {
        logging::log(LogLevel::Info, &format!("closed by {:?}", by));
    }
}
