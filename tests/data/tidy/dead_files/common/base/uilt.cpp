// bad file
