using Purser.Server.CommandLine;

return await PurserCommands.Run(args);
