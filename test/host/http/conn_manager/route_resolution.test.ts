// test/host/http/conn_manager/route_resolution.test.ts: how often streams look for a route, and how long that takes.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type RouteResolutions, RouteResolutionStats } from "../../../../host/http/conn_manager/route_resolution.ts";
import type { StatsScope } from "../../../../host/observe/stats.ts";
import { Downstream } from "./downstream.ts";

/** A scope that keeps what its histograms are given. */
function recording(): { readonly scope: StatsScope; readonly recorded: Record<string, number[]> } {
  const recorded: Record<string, number[]> = {};
  const histogram = (name: string) => ({ record: (value: number) => void (recorded[name] ??= []).push(value) });
  return { scope: { histogram } as unknown as StatsScope, recorded };
}

test("all of a stream's resolutions together, once it is over", () => {
  const seen: RouteResolutions[] = [];
  const downstream: Downstream = new Downstream({
    configure: ({ routes }) => ({
      routes: {
        current: () => {
          const table = routes.current()!;
          return {
            name: "t",
            route(...args: Parameters<typeof table.route>) {
              downstream.clock.advance(2);
              return table.route(...args);
            },
          };
        },
      },
      routeResolutions: { record: (all: RouteResolutions) => void seen.push({ ...all }) } as RouteResolutionStats,
    }),
  });
  downstream.feed("GET /a HTTP/1.1\r\nhost: h\r\n\r\n");
  const { stream } = downstream.last;
  stream.clearRouteCache();
  stream.route();
  stream.route();
  assert.equal(seen, []);
  stream.sendLocalReply({ status: 200, details: "x" });
  const resolutions = downstream.routed.length;
  assert.ok(resolutions >= 1);
  assert.equal(seen, [{ count: resolutions, milliseconds: 2 * resolutions }]);
});

test("the histograms count microseconds and resolutions", () => {
  const { scope, recorded } = recording();
  new RouteResolutionStats(scope).record({ count: 3, milliseconds: 0.0126 });
  assert.equal(recorded, {
    downstream_rq_route_resolution_time_us: [13],
    downstream_rq_route_resolutions: [3],
  });
});

test.run();
