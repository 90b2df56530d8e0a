//! Who may ask: users, passwords, sessions, behind one port.
