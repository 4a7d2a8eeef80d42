"""What a test may ask of the world; what it makes up is in `tests.factories`.

- Servers: `databases` (PostgreSQL and Redis of the run), `valkey` and `topologies` (a Redis,
  Sentinels or a cluster of one's own), `stores`, `relay` (a wire that goes silent), `ports`.
- A Porta in this process: `served` (a server, seeded from `examples/dev.yaml`, and others beside
  it), `balancer` in front of several, `runtime` (without a server) and `house` (what furnishes it).
- Several processes: `processes` (`porta dev` with its instances).
- Who uses it: `browser` and `person` (the pages), `answers` (what comes back, read as a client
  reads it), `administrators` (of the Admin API), `administered` (what they make, by the services),
  `rows` (the least that a row stands on, by the repositories).
- What people have: `second_factors` (as Porta 1.x left them), `mail` (what was written to them).
- What statements read: `explaining`.
- What happens: `waiting` (for events, never for time), `log` (what a process wrote).
- The machine: `machine` (what it may lack), `certificates`.

The clock is `runtime.clock`, or a call's argument `now`: nothing here stops time.
"""
