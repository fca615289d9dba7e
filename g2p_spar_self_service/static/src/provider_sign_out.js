// The button is for browsers without JavaScript.
document.getElementById("provider-sign-out").submit();
