// Written by book/_ext/laboratory_data.py.
Laboratory.letters = {"names":["s","c","w","p","d","m","f","t","b","h","l","g","r","k","e","n","o","a","v","i","q","j","u","y","z"],"counts":[483,405,404,362,343,315,303,298,293,269,255,249,204,185,184,154,131,117,113,63,55,27,25,22,1]};
