"use strict";
// A parameter named "submit" would hide the form's own method of that name.
HTMLFormElement.prototype.submit.call(document.getElementById("form-post"));
