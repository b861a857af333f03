System.Console.WriteLine("authservice");
