namespace Purser.Server.Platform;

/// <summary>Turns what PostgreSQL or the system said into words that name the setting and the remedy.</summary>
static class PostgresFailure
{
    const int LastLines = 12;

    public static StartFailureException From(string what, string said, string place, Exception? cause = null) =>
        new($"{what}. {Remedy(said, place)}\n{Tail(said)}".TrimEnd(), cause);

    public static string Remedy(string said, string place)
    {
        bool Says(string words) => said.Contains(words, StringComparison.OrdinalIgnoreCase);
        if (Says("No space left on device") || Says("Disk quota exceeded"))
            return $"The disk that holds {place} is full: free some space, or choose a folder on another disk with " +
                   $"{EmbeddedPostgresOptions.DirectorySetting}.";
        if (Says("Address already in use"))
            return $"The port is in use by another program: choose another with {EmbeddedPostgresOptions.PortSetting}, or 0 " +
                   "to use the socket alone.";
        if (Says("Read-only file system"))
            return $"{place} is on a file system that cannot be written: choose another folder with " +
                   $"{EmbeddedPostgresOptions.DirectorySetting}.";
        if (Says("Permission denied") || Says("wrong ownership") || Says("invalid permissions") || Says("not permitted"))
            return $"The account that runs PostgreSQL may not use {place}: give that folder to it, or choose another folder " +
                   $"with {EmbeddedPostgresOptions.DirectorySetting}. When Purser is root the account is 'postgres', or the " +
                   $"one in {EmbeddedPostgresOptions.UserSetting}, and every folder above must let it pass.";
        if (Says("initialized by PostgreSQL version"))
            return $"Install the version of PostgreSQL that made {place} and name its folder in " +
                   $"{EmbeddedPostgresOptions.ProgramsSetting}, or move the contents over with pg_upgrade.";
        if (Says("shared memory") || Says("Cannot allocate memory"))
            return "The machine has too little memory for PostgreSQL: free some, or write a smaller shared_buffers into " +
                   $"custom.conf beside {place}.";
        if (Says("unrecognized configuration parameter") || Says("invalid value for parameter") || Says("syntax error in file"))
            return $"A setting in custom.conf beside {place} is wrong: correct or remove it.";
        if (Says("cannot open shared object file") || Says("Library not loaded"))
            return "PostgreSQL's programs lack a library: install PostgreSQL anew, or name another folder in " +
                   $"{EmbeddedPostgresOptions.ProgramsSetting}.";
        return $"PostgreSQL's own words follow. Its folder is set by {EmbeddedPostgresOptions.DirectorySetting}; a server of " +
               $"your own is set by {EmbeddedPostgresOptions.ConnectionSetting}.";
    }

    public static string Tail(string said) =>
        string.Join('\n', said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(LastLines));
}
