-- Each dispute by itself: what the bank took and gave back, and which rows of statements say so. `dispute` is all of them as one word.
alter table payments add disputes text;     -- JSON
