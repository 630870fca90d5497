// These tests wait for servers, browsers and PostgreSQL more than they compute: three at once, beside the gateways' tests, keep two cores busy.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
