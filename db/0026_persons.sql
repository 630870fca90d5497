-- A key may be one person's; and of two persons who must agree, each acts with another key.
alter table api_keys add person text;

alter table settlement_discrepancies add key_first integer;   -- the API key of whoever proposed or decided; null of what was kept before keys counted
alter table settlement_discrepancies add key_second integer;

alter table order_resolutions add key_first integer;
alter table order_resolutions add key_second integer;

alter table audit_log add key_id integer;
