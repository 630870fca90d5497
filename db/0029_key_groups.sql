-- Of each line 8 bytes that tell its key, 8 that tell its content and 4 that number it, in small groups by some bits of the key: a new file reads the groups of its own
-- keys, by one index whose upkeep costs a thirtieth of one over all keys. Files that were matched before this keep their settlement_keys, which are read whole.
create table settlement_key_groups (
    file            bigint not null,
    "group"         integer not null,       -- bits 40 and up of the keys, settlement_files.key_bits of them
    keys            bytea not null,
    primary key (file, "group")
);
alter table settlement_key_groups alter column keys set storage external;
alter table settlement_files add key_bits smallint;
