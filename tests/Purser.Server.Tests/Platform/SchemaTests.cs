using System.Text;
using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

/// <summary>db/schema.sql shows what all migrations add up to, for people to read. With PURSER_UPDATE=1 the test writes it.</summary>
public sealed class SchemaTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    const string Head = "-- What the numbered files add up to. Written by SchemaTests with PURSER_UPDATE=1; not run by anything.\n";

    [Fact]
    public async Task The_schema_on_paper_is_the_schema_that_the_migrations_make()
    {
        await using var source = Database.Build(await postgres.CreateDatabase());
        var schema = Head + await Dump(source);
        var path = Path.Combine(Checkout(), "db/schema.sql");

        if (Environment.GetEnvironmentVariable("PURSER_UPDATE") == "1") await File.WriteAllTextAsync(path, schema);

        File.Exists(path).ShouldBeTrue($"{path} is missing: run this test with PURSER_UPDATE=1");
        var paper = (await File.ReadAllTextAsync(path)).ReplaceLineEndings("\n").Split('\n');
        var real = schema.Split('\n');
        real.Except(paper).ShouldBeEmpty("made by the migrations but not in db/schema.sql; run this test with PURSER_UPDATE=1");
        paper.Except(real).ShouldBeEmpty("in db/schema.sql but not made by the migrations; run this test with PURSER_UPDATE=1");
        paper.ShouldBe(real, "the lines are the same but not their order; run this test with PURSER_UPDATE=1");
    }

    [Fact]
    public async Task Whatever_a_migration_can_add_is_seen_in_the_dump()
    {
        await using var source = Database.Build(await postgres.CreateEmptyDatabase());
        var before = await Dump(source);
        foreach (var addition in new[]
        {
            "create table a (id bigint primary key)", "alter table a add b text", "alter table a alter b set not null",
            "alter table a alter b set default 'x'", "alter table a add check (id > 0)", "create index on a (b) where b <> ''",
            "create sequence s increment by 5", "create view v as select id from a", "create type mood as enum ('good', 'bad')",
            "create domain positive as int check (value > 0)",
            "create function f() returns trigger language plpgsql as 'begin return new; end'",
            "create trigger t before insert on a for each row execute function f()", "comment on table a is 'a table'",
            "comment on column a.b is 'a column'", "alter table a set (fillfactor = 70)", "create materialized view w as select 1 as one",
            "alter table a add c bigint generated always as identity", "alter table a add d bigint generated always as (id + 1) stored",
            "alter table a enable row level security", "create unlogged table u (id int)",
        })
        {
            await using (var command = source.CreateCommand(addition)) await command.ExecuteNonQueryAsync();
            var after = await Dump(source);
            after.ShouldNotBe(before, addition);
            before = after;
        }
    }

    /// <summary>From the catalogue and not by pg_dump, whose text differs between its versions.</summary>
    static async Task<string> Dump(NpgsqlDataSource source)
    {
        var text = new StringBuilder();
        await using var command = source.CreateCommand(Sql);
        await using var rows = await command.ExecuteReaderAsync();
        while (await rows.ReadAsync()) text.Append('\n').Append(rows.GetString(0)).Append('\n');
        return text.ToString();
    }

    internal static string Checkout()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Purser.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException();
        return folder;
    }

    const string Sql = """
        with relation as (
          select c.*, format('%I', c.relname) as quoted
          from pg_class c
          where c.relnamespace = 'public'::regnamespace
        ),
        piece (kind, name, text) as (
          select 1, t.typname, format('create type %I as enum (%s);', t.typname,
            (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid))
          from pg_type t where t.typnamespace = 'public'::regnamespace and t.typtype = 'e'
          union all
          select 1, t.typname, format('create domain %I as %s%s;', t.typname, format_type(t.typbasetype, t.typtypmod),
            (select string_agg(' ' || pg_get_constraintdef(k.oid), '' order by k.conname) from pg_constraint k where k.contypid = t.oid))
          from pg_type t where t.typnamespace = 'public'::regnamespace and t.typtype = 'd'
          union all
          -- Sequences that belong to an identity column are part of their table.
          select 2, r.relname, format('create sequence %s as %s start %s increment %s;', r.quoted, format_type(s.seqtypid, null), s.seqstart, s.seqincrement)
          from relation r join pg_sequence s on s.seqrelid = r.oid
          where not exists (select from pg_depend d where d.objid = r.oid and d.deptype = 'i')
          union all
          select 3, p.proname || pg_get_function_identity_arguments(p.oid), pg_get_functiondef(p.oid) || ';'
          from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
          union all
          select 4, r.relname, concat(
            format(E'create %stable %s (\n  ', case r.relpersistence when 'u' then 'unlogged ' else '' end, r.quoted),
            (select string_agg(line, E',\n  ' order by part, place, line) from (
              select 1 as part, a.attnum::int as place, concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                case when a.attidentity <> '' then 'generated ' || case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity'
                  when a.attgenerated <> '' then 'generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored'
                  when d.adbin is not null then 'default ' || pg_get_expr(d.adbin, d.adrelid) end,
                case when a.attnotnull then 'not null' end) as line
              from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
              where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
              union all
              select 2, case k.contype when 'p' then 1 when 'u' then 2 when 'f' then 3 else 4 end,
                format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid))
              from pg_constraint k where k.conrelid = r.oid and k.contype in ('p', 'u', 'f', 'c', 'x')
            ) lines),
            E'\n)',
            case when r.relkind = 'p' then ' partition by ' || pg_get_partkeydef(r.oid) end,
            case when r.reloptions is not null then ' with (' || array_to_string(r.reloptions, ', ') || ')' end,
            ';',
            case when r.relrowsecurity then format(E'\nalter table %s enable row level security;', r.quoted) end,
            (select string_agg(format(E'\n%s;', replace(pg_get_indexdef(i.indexrelid), ' public.', ' ')), '' order by x.relname)
              from pg_index i join pg_class x on x.oid = i.indexrelid
              where i.indrelid = r.oid and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))),
            (select string_agg(format(E'\n%s;', replace(pg_get_triggerdef(t.oid), ' public.', ' ')), '' order by t.tgname)
              from pg_trigger t where t.tgrelid = r.oid and not t.tgisinternal),
            (select string_agg(format(E'\ncomment on %s is %s;',
                case when o.objsubid = 0 then 'table ' || r.quoted else format('column %s.%I', r.quoted, a.attname) end,
                quote_literal(o.description)), '' order by o.objsubid)
              from pg_description o left join pg_attribute a on a.attrelid = o.objoid and a.attnum = o.objsubid
              where o.objoid = r.oid and o.classoid = 'pg_class'::regclass))
          from relation r where r.relkind in ('r', 'p')
          union all
          select 5, r.relname, format(E'create %sview %s as\n%s', case r.relkind when 'm' then 'materialized ' else '' end, r.quoted, pg_get_viewdef(r.oid))
          from relation r where r.relkind in ('v', 'm')
        )
        select text from piece order by kind, name collate "C"
        """;
}
