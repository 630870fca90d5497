// These tests wait for servers, browsers and PostgreSQL more than they compute: on two cores three at once wait for less.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
